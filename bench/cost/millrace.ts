import { bigint, count, double, kinesis, lake, pipeline, sum, text, timestamp, tumbling } from "millrace";
import { departure } from "../../functions/aggregate-flight-delays/schemas.ts";
import { runnableStage } from "../../lib/connectors/runnable-stage.ts";
import { DynamoChangelog } from "../../lib/dynamodb/changelog.ts";
import { planStages } from "../../lib/plan/stage.ts";
import { DEAD_LETTERS } from "../../lib/runtime/dead-letter.ts";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import type { Delivery, SinkWriter } from "../../lib/runtime/sink-writer.ts";
import { StageRuntime } from "../../lib/runtime/stage-runtime.ts";
import { TICKS } from "../../lib/runtime/tick.ts";
import { WHOLE_RANGE } from "../../lib/state/hash-range.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { DISORDER_HOURS } from "../engine/flights.ts";
import { countedObjects } from "./counted-objects.ts";
import { makeTable } from "./dynamodb-local.ts";
import type { Batch, Hour } from "./events.ts";
import type { MakeWay } from "./way.ts";

const departures = kinesis("departures", {
  schema: departure,
  key: { origin: (d) => d.origin },
  eventTime: (d) => d.departedAt,
  disorder: { hours: DISORDER_HOURS },
});

const hours = lake("hours", {
  origin: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  flights: bigint,
  delay: double,
});

const flights = pipeline("flights-cost", (flow) => {
  flow
    .from(departures)
    .byKey.window("hourly", tumbling({ hours: 1 }))
    .aggregate({ flights: count(), delay: sum((d) => d.delay) })
    .to(hours);
});

/** Messages of one SendMessageBatch. */
const SQS_BATCH = 10;

/** The runtime as a function has it: its changelog in DynamoDB, every turn from a cache that knows the head. */
export const millrace: MakeWay = async ({ client, uncounted, tally, run }) => {
  const table = `changelog-${run}`;
  await makeTable(uncounted, table, { task: "S", epoch: "N" });
  const rows = new Map<string, string>();
  const shards = new Set<string>();
  let now = Date.UTC(2026, 0, 1);
  let nonces = 0;
  const [stage] = planStages(flights);
  const runtime = new StageRuntime({
    stage: runnableStage(flights, stage!, { generation: 0, incarnation: 0 }),
    build: "bench",
    changelog: new DynamoChangelog(client, table),
    objects: countedObjects(tally),
    writers: new Map<string, SinkWriter>([
      [hours.name, taking((all) => all.forEach(({ id, body }) => rows.set(id, body)))],
      [TICKS, taking((all) => tally().add("sqs SendMessageBatch", Math.ceil(all.length / SQS_BATCH)))],
      [
        DEAD_LETTERS,
        taking(([letter]) => {
          throw new Error(`A dead letter: ${letter!.body}`);
        }),
      ],
    ]),
    partitions: {
      list: async () => [...shards].map((id) => ({ id, parents: [], range: WHOLE_RANGE })),
      isAtTip: async () => true,
    },
    observer: { turn: () => undefined, notice: (_, what) => console.error(what) },
    now: () => now,
    newNonce: () => `nonce-${String(++nonces).padStart(8, "0")}`, // of the length that a function's has, nearly
    suspectAfter: Number.POSITIVE_INFINITY,
  });
  return {
    name: "Millrace",
    about: "a commit a batch, a mark once its rows are delivered, checkpoints when due",
    isExactHoweverCut: true,
    async take({ shard, events }: Batch) {
      now += 1_000;
      shards.add(shard);
      const records = events.map(({ sequence, departure: { origin }, payload }): IncomingRecord => ({
        position: { sequence, index: 0 },
        arrival: Date.UTC(2026, 0, 1),
        partitionKey: origin,
        base64: Buffer.from(payload).toString("base64"),
      }));
      await runtime.records(shard, records);
    },
    async hours() {
      for (const shard of shards) await runtime.control({ type: "drain", task: taskName(runtime.idOf(shard)) });
      const all = new Map<string, Hour>();
      for (const body of rows.values()) {
        const row = JSON.parse(body) as { origin: string; window_start: number; flights: number; delay: number };
        all.set(`${row.origin} ${row.window_start}`, { flights: row.flights, delay: row.delay });
      }
      return all;
    },
  };
};

const taking = (take: (all: readonly Delivery[]) => void): SinkWriter => ({
  deliver: async (all) => {
    take(all);
    return [];
  },
});
