import { describe, expect, it } from "vitest";
import { Faults } from "../faults.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { FaultPlan } from "../types.ts";
import type { BatchRunnerContext } from "./batch-runner.ts";
import type { MappingSettings } from "./mapping-settings.ts";
import { ShardPoller } from "./shard-poller.ts";
import type { ShardRead } from "./shard-reader.ts";
import { recordWriter, type WireRecord } from "./stream-record.ts";

const start = 1_000_000_000_000;

/** A shard in memory, and a poller on it whose clock stands still. */
function shard(settings: Partial<MappingSettings> = {}, faults?: Partial<FaultPlan>) {
  const clock = new ManualClock(start);
  const unread: WireRecord[] = [];
  const sent: string[][] = [];
  const abort = new AbortController();
  let closed = false;
  let done = 0;
  let count = 0;
  const read = (): Promise<ShardRead> => {
    const records = unread.splice(0, 4);
    return Promise.resolve({ records, ended: closed && records.length === 0 });
  };
  const context: BatchRunnerContext = {
    settings: {
      id: "id",
      logicalId: "Mapping",
      sourceArn: "arn",
      functionName: "f",
      batchSize: 3,
      windowMillis: 0,
      reportsItemFailures: false,
      bisects: false,
      maximumRetries: Infinity,
      maximumAgeMillis: Infinity,
      onFailure: undefined,
      startMillis: 0,
      maximumConcurrency: 1,
      ...settings,
    },
    clock,
    faults: new Faults(
      faults && {
        seed: 1,
        killWorker: 0,
        repeatBatch: 0,
        cutBatch: 0,
        throttleTable: 0,
        loseTableAnswer: 0,
        throttleStream: 0,
        loseStreamAnswer: 0,
        failSink: 0,
        failSinkPartly: 0,
        repeatSink: 0,
        delaySink: 0,
        delayMillis: 0,
        earlyChild: 0,
        ...faults,
      },
    ),
    signal: abort.signal,
    invoke: (event) => {
      const { Records } = JSON.parse(event.toString()) as { Records: { kinesis: { partitionKey: string } }[] };
      sent.push(Records.map(({ kinesis }) => kinesis.partitionKey));
      return Promise.resolve({ ok: true, answer: null });
    },
    discard: () => Promise.resolve(),
    onDone: (more) => {
      done += more;
    },
    onNotice: () => undefined,
  };
  const poller = new ShardPoller({ read }, recordWriter("arn", "shardId-0", "role"), context);
  const running = poller.run();
  return {
    clock,
    sent,
    running,
    done: () => done,
    put: (names: string, data = "", arrivalMillis = start) => {
      for (const PartitionKey of names) {
        unread.push({
          SequenceNumber: String(++count),
          PartitionKey,
          Data: data,
          ApproximateArrivalTimestamp: arrivalMillis / 1000,
        });
      }
      poller.wake();
    },
    close: () => {
      closed = true;
      poller.wake();
      return running;
    },
    injected: () => context.faults.injected(),
  };
}

/** Lets everything run that waits for no clock. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("Kinesis mapping: batches of a shard", () => {
  it("without a window what is there is sent at once, at most BatchSize at a time, in order", async () => {
    const { put, sent, close } = shard();
    put("abcdefg");
    await turn();
    expect(sent.map((batch) => batch.join(""))).toEqual(["abc", "def", "g"]);
    await close();
  });

  it("a window waits for more from the first record on, but never longer, and a full batch goes at once", async () => {
    const { put, sent, clock, close } = shard({ windowMillis: 5_000 });
    await turn();
    put("a");
    await turn();
    clock.advance(4_000);
    put("b");
    await turn();
    expect(sent).toEqual([]);
    clock.advance(1_000);
    await turn();
    expect(sent).toEqual([["a", "b"]]);
    put("cde");
    await turn();
    expect(sent[1]).toEqual(["c", "d", "e"]);
    await close();
  });

  it("a closed shard's rest goes at once, and the poller ends", async () => {
    const { put, sent, close, done } = shard({ windowMillis: 300_000 });
    put("ab");
    await turn();
    await close();
    expect(sent).toEqual([["a", "b"]]);
    expect(done()).toBe(2);
  });

  it("an event is at most 6 MB, base64 and all; a record is never cut", async () => {
    const { put, sent, close } = shard({ batchSize: 10_000 });
    put("abc", "x".repeat(2.5 * 1024 * 1024));
    await turn();
    expect(sent.map((batch) => batch.join(""))).toEqual(["ab", "c"]);
    await close();
  });

  it("AT_TIMESTAMP skips what arrived before", async () => {
    const { put, sent, close, done } = shard({ startMillis: start });
    put("ab", "", start - 1_000);
    put("c", "", start);
    await turn();
    expect(sent).toEqual([["c"]]);
    expect(done()).toBe(3);
    await close();
  });

  it("cutBatch cuts batches short and loses nothing", async () => {
    const { put, sent, close, injected } = shard({}, { cutBatch: 1 });
    put("abcdefghij");
    await turn();
    expect(sent.flat().join("")).toBe("abcdefghij");
    expect(sent.slice(0, -1).every((batch) => batch.length < 3)).toBe(true);
    expect(injected().cutBatch).toBeGreaterThan(0);
    await close();
  });

  it("repeatBatch sends a batch again that had succeeded", async () => {
    const { put, sent, close, injected } = shard({}, { repeatBatch: 0.5 });
    put("abcdefghi");
    await turn();
    expect(sent.length).toBe(3 + injected().repeatBatch);
    expect(injected().repeatBatch).toBeGreaterThan(0);
    await close();
  });

  it("an idle shard is asked once a second, and never invokes", async () => {
    const { sent, clock, close } = shard();
    for (let second = 0; second < 5; second++) {
      await turn();
      clock.advance(1_000);
    }
    expect(sent).toEqual([]);
    await close();
  });
});
