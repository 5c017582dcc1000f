import { describe, expect, it } from "vitest";
import { Faults } from "../faults.ts";
import type { FunctionOutcome } from "../function/function-host.ts";
import { FlyingClock } from "../testing/manual-clock.ts";
import { runBatch, type BatchRunnerContext, type Discard } from "./batch-runner.ts";
import type { MappingSettings } from "./mapping-settings.ts";
import { recordWriter, type StreamRecord } from "./stream-record.ts";

const streamArn = "arn:aws:kinesis:us-east-1:000000000000:stream/events";
const toRecord = recordWriter(streamArn, "shardId-000000000000", "arn:aws:iam::000000000000:role/f");

/** Sequence numbers of growing length, as real ones are never compared by their text alone. */
function sequence(n: number): string {
  return String(98n + BigInt(n));
}

function records(count: number, arrivalMillis = 1_000_000_000_000): readonly StreamRecord[] {
  return Array.from({ length: count }, (_, index) =>
    toRecord({
      SequenceNumber: sequence(index),
      PartitionKey: "k",
      Data: Buffer.from(String(index)).toString("base64"),
      ApproximateArrivalTimestamp: arrivalMillis / 1000,
    }),
  );
}

interface Run {
  /** What each invocation was sent, as the records' places. */
  readonly sent: readonly (readonly number[])[];
  readonly discards: readonly Discard[];
  readonly done: number;
  readonly clock: FlyingClock;
}

const ok = (answer: unknown = null): FunctionOutcome => ({ ok: true, answer });
const error: FunctionOutcome = { ok: false, failure: { errorType: "Error", errorMessage: "boom" } };
const report = (...identifiers: unknown[]) =>
  ok({ batchItemFailures: identifiers.map((itemIdentifier) => ({ itemIdentifier })) });

async function run(
  batch: readonly StreamRecord[],
  answer: (sent: readonly number[], attempt: number) => FunctionOutcome,
  settings: Partial<MappingSettings> = {},
): Promise<Run> {
  const clock = new FlyingClock();
  const sent: number[][] = [];
  const discards: Discard[] = [];
  let done = 0;
  const context: BatchRunnerContext = {
    settings: {
      id: "id",
      logicalId: "Mapping",
      sourceArn: streamArn,
      functionName: "f",
      batchSize: 100,
      windowMillis: 0,
      reportsItemFailures: true,
      bisects: false,
      maximumRetries: Infinity,
      maximumAgeMillis: Infinity,
      onFailure: undefined,
      startMillis: 0,
      maximumConcurrency: 1,
      ...settings,
    },
    clock,
    faults: new Faults(undefined),
    signal: new AbortController().signal,
    invoke: (event) => {
      const { Records } = JSON.parse(event.toString()) as { Records: { kinesis: { data: string } }[] };
      const places = Records.map(({ kinesis }) => Number(Buffer.from(kinesis.data, "base64").toString()));
      sent.push(places);
      return Promise.resolve(answer(places, sent.length));
    },
    discard: (discard) => {
      discards.push(discard);
      return Promise.resolve();
    },
    onDone: (count) => {
      done += count;
    },
    onNotice: () => undefined,
  };
  await runBatch(batch, context);
  return { sent, discards, done, clock };
}

describe("Kinesis mapping: partial failures", () => {
  it("the lowest reported sequence number is sent again with all after it", async () => {
    const { sent, done } = await run(records(5), (_, attempt) =>
      attempt === 1 ? report(sequence(3), sequence(1)) : ok(),
    );
    expect(sent).toEqual([
      [0, 1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
    expect(done).toBe(5);
  });

  it("sequence numbers are compared as numbers, not as text", async () => {
    // 99 is below 100, though "99" is above "100".
    const { sent } = await run(records(4), (_, attempt) => (attempt === 1 ? report(sequence(2), sequence(1)) : ok()));
    expect(sent[1]).toEqual([1, 2, 3]);
  });

  for (const [name, answer] of Object.entries({
    "an empty list": { batchItemFailures: [] },
    "a null list": { batchItemFailures: null },
    "an empty object": {},
    null: null,
  })) {
    it(`${name} is success`, async () => {
      const { sent, done } = await run(records(3), () => ok(answer));
      expect(sent).toEqual([[0, 1, 2]]);
      expect(done).toBe(3);
    });
  }

  for (const [name, answer] of Object.entries({
    "an identifier that is not in the batch": report("12345"),
    "a null identifier": report(null),
    "an empty identifier": report(""),
    "a valid identifier beside one that is not in the batch": report(sequence(2), "12345"),
    "an item without an identifier": ok({ batchItemFailures: [{ id: sequence(1) }] }),
    "a list that is none": ok({ batchItemFailures: "all" }),
    "an answer that is no object": ok("fine"),
  })) {
    it(`${name} is total failure`, async () => {
      const { sent } = await run(records(3), (_, attempt) => (attempt === 1 ? answer : ok()));
      expect(sent).toEqual([
        [0, 1, 2],
        [0, 1, 2],
      ]);
    });
  }

  it("without ReportBatchItemFailures whatever is answered is success", async () => {
    const { sent } = await run(records(3), () => report(sequence(1)), { reportsItemFailures: false });
    expect(sent).toHaveLength(1);
  });

  it("with bisection the batch is cut at the returned sequence number, and only the rest is sent again", async () => {
    const { sent } = await run(records(6), (_, attempt) => (attempt === 1 ? report(sequence(2)) : ok()), {
      bisects: true,
    });
    expect(sent).toEqual([
      [0, 1, 2, 3, 4, 5],
      [2, 3, 4, 5],
    ]);
  });
});

describe("Kinesis mapping: function errors", () => {
  it("a failed batch is sent again whole, for ever by default, with a pause that grows", async () => {
    const { sent, clock } = await run(records(2), (_, attempt) => (attempt < 12 ? error : ok()));
    expect(sent).toHaveLength(12);
    expect(clock.slept.slice(0, 4)).toEqual([50, 100, 200, 400]);
    expect(Math.min(...clock.slept)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...clock.slept)).toBeLessThanOrEqual(2_000);
  });

  it("bisection halves a failed batch until the failing record is alone, and keeps the order", async () => {
    let tries = 0;
    const { sent, done } = await run(
      records(8),
      (places) => (places.includes(5) && (places.length > 1 || ++tries < 3) ? error : ok()),
      { bisects: true },
    );
    expect(sent).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3], [4, 5, 6, 7], [4, 5], [4], [5], [5], [5], [6, 7]]);
    expect(done).toBe(8);
  });

  it("bisecting is no retry", async () => {
    const { sent, discards } = await run(records(4), (places) => (places.includes(3) ? error : ok()), {
      bisects: true,
      maximumRetries: 1,
    });
    expect(sent).toEqual([[0, 1, 2, 3], [0, 1], [2, 3], [2], [3], [3]]);
    expect(discards).toHaveLength(1);
    expect(discards[0]?.records.map(({ sequenceNumber }) => sequenceNumber)).toEqual([sequence(3)]);
  });

  it("after MaximumRetryAttempts the batch is given up and the shard goes on", async () => {
    const { sent, discards, done } = await run(records(3), () => error, { maximumRetries: 2 });
    expect(sent).toHaveLength(3);
    expect(discards).toMatchObject([{ condition: "RetryAttemptsExhausted", invokeCount: 3, functionError: true }]);
    expect(discards[0]?.records).toHaveLength(3);
    expect(done).toBe(3);
  });

  it("records older than MaximumRecordAgeInSeconds are given up before they are sent again", async () => {
    const { sent, discards, done } = await run(records(2), () => error, { maximumAgeMillis: 300 });
    expect(sent).toHaveLength(3);
    expect(discards).toMatchObject([{ condition: "RecordAgeExceeded" }]);
    expect(done).toBe(2);
  });

  it("a record too old from the start is never sent", async () => {
    const old = records(1, 900_000_000_000);
    const { sent, discards } = await run(old, () => ok(), { maximumAgeMillis: 60_000 });
    expect(sent).toEqual([]);
    expect(discards).toHaveLength(1);
  });
});
