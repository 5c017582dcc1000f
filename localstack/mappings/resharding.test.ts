import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Faults } from "../faults.ts";
import { createStream, startKinesis, untilActive, type KinesisEmulator } from "../kinesis/kinesis-emulator.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { eventually } from "../testing/temporary-stack.ts";
import type { FaultPlan } from "../types.ts";
import { kinesisShards } from "./shard-source.ts";
import { StreamMapping } from "./stream-mapping.ts";

const half = 2n ** 127n;
const directory = mkdtempSync(join(tmpdir(), "resharding-"));
let kinesis: KinesisEmulator;
let mapped: MappedStream | undefined;
let streams = 0;

beforeAll(async () => {
  kinesis = await startKinesis(directory, () => undefined);
});
afterEach(() => mapped?.mapping.stop());
afterAll(async () => {
  await kinesis.stop();
  rmSync(directory, { recursive: true, force: true });
});

interface Sent {
  readonly shard: string;
  readonly bodies: readonly string[];
}

interface EventRecord {
  readonly eventID: string;
  readonly kinesis: { readonly data: string };
}

/**
 * A stream and its mapping, whose clock stands still: what it does it does because it was told, as the gateway tells
 * it. `refuses` says which batches fail.
 */
class MappedStream {
  readonly name = `stream-${++streams}`;
  readonly sent: Sent[] = [];
  readonly clock = new ManualClock(Date.now());
  readonly faults: Faults;
  readonly mapping: StreamMapping;

  constructor(faults: Partial<FaultPlan> = {}, refuses: (batch: Sent) => boolean = () => false) {
    this.faults = new Faults({ ...noFaults, ...faults });
    this.mapping = new StreamMapping({
      shards: kinesisShards(kinesis.client, `arn:aws:kinesis:us-east-1:000000000000:stream/${this.name}`, "role"),
      clock: this.clock,
      faults: this.faults,
      onNotice: () => undefined,
      discard: () => Promise.resolve(),
      invoke: async (event) => {
        const { Records } = JSON.parse(event.toString()) as { readonly Records: readonly EventRecord[] };
        const bodies = Records.map((record) => Buffer.from(record.kinesis.data, "base64").toString());
        const batch = { shard: Records[0]!.eventID.split(":")[0]!, bodies };
        if (refuses(batch)) return { ok: false, failure: { errorType: "No", errorMessage: "not now" } };
        this.sent.push(batch);
        return { ok: true, answer: null };
      },
      settings: {
        id: "id",
        logicalId: "Mapping",
        sourceArn: `arn:aws:kinesis:us-east-1:000000000000:stream/${this.name}`,
        functionName: "f",
        batchSize: 10,
        windowMillis: 0,
        reportsItemFailures: true,
        bisects: false,
        maximumRetries: Infinity,
        maximumAgeMillis: Infinity,
        onFailure: undefined,
        startMillis: 0,
        maximumConcurrency: 1,
      },
    });
  }

  static async start(...options: ConstructorParameters<typeof MappedStream>): Promise<MappedStream> {
    mapped = new MappedStream(...options);
    const resource = { name: mapped.name, properties: { ShardCount: 1 } } as unknown as ResolvedResource;
    await createStream(kinesis.client, resource);
    mapped.mapping.start();
    return mapped;
  }

  /** Puts a record to each end of the range of hash keys. */
  async put(body: string): Promise<void> {
    const output = (await kinesis.client.call("PutRecords", {
      StreamName: this.name,
      Records: [0n, half * 2n - 1n].map((hash) => ({
        PartitionKey: "k",
        ExplicitHashKey: String(hash),
        Data: Buffer.from(`${body} ${hash === 0n ? "low" : "high"}`).toString("base64"),
      })),
    })) as { readonly Records: readonly { readonly ShardId: string }[] };
    for (const { ShardId } of output.Records) this.mapping.notify(ShardId);
  }

  async split(shard: number, at: bigint): Promise<void> {
    await this.reshard("SplitShard", { ShardToSplit: idOf(shard), NewStartingHashKey: String(at) });
  }

  async merge(lower: number, upper: number): Promise<void> {
    await this.reshard("MergeShards", { ShardToMerge: idOf(lower), AdjacentShardToMerge: idOf(upper) });
  }

  /** Resolves when so many records were answered with success. */
  async done(records: number): Promise<void> {
    await eventually(() => this.mapping.recordsDone >= records);
  }

  private async reshard(operation: string, input: object): Promise<void> {
    await kinesis.client.call(operation, { StreamName: this.name, ...input });
    await untilActive(kinesis.client, this.name);
    this.mapping.reshard();
  }
}

const idOf = (shard: number): string => `shardId-${String(shard).padStart(12, "0")}`;

const noFaults: FaultPlan = {
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
};

describe("Kinesis mapping: shards that are split and merged", () => {
  it("every record is sent once, those of a parent before those of its children, at once when told", async () => {
    const stream = await MappedStream.start();
    await stream.put("0");
    await stream.split(0, half);
    await stream.put("1");
    await stream.split(1, half / 2n);
    await stream.put("2");
    // Shards 2 (upper half) and 4 (second quarter) have different parents.
    await stream.merge(4, 2);
    await stream.put("3");
    await stream.split(5, half);
    await stream.put("4");
    await stream.done(10);
    const bodies = stream.sent.flatMap((batch) => batch.bodies);
    const along = (side: string) => bodies.filter((body) => body.endsWith(side));
    expect(along("low")).toEqual(["0 low", "1 low", "2 low", "3 low", "4 low"]);
    expect(along("high")).toEqual(["0 high", "1 high", "2 high", "3 high", "4 high"]);
    expect(new Set(stream.sent.map(({ shard }) => shard))).toEqual(new Set([0, 1, 2, 3, 5, 7].map(idOf)));
  });

  it("a merged shard waits for both of its parents", async () => {
    let isStuck = true;
    const stream = await MappedStream.start({}, ({ shard }) => shard === idOf(2) && isStuck);
    await stream.split(0, half);
    await stream.put("parents");
    await stream.merge(1, 2);
    await stream.put("merged");
    await stream.done(1);
    expect(stream.sent).toEqual([{ shard: idOf(1), bodies: ["parents low"] }]);
    isStuck = false;
    await eventually(() => {
      stream.clock.advance(2_000);
      return stream.mapping.recordsDone >= 4;
    });
    expect(stream.sent.map(({ shard }) => shard)).toEqual([idOf(1), idOf(2), idOf(3)]);
  });

  it("a child that comes early is sent although its parent is not done", async () => {
    const stream = await MappedStream.start({ earlyChild: 1 }, ({ shard }) => shard === idOf(0));
    await stream.put("parent");
    await stream.split(0, half);
    await stream.put("child");
    await stream.done(2);
    expect(stream.sent.flatMap(({ bodies }) => bodies).toSorted()).toEqual(["child high", "child low"]);
    expect(stream.faults.injected().earlyChild).toBe(2);
  });
});
