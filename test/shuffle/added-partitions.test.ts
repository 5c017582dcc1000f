import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import type { TurnReport } from "../../lib/runtime/observer.ts";
import { WHOLE_RANGE } from "../../lib/state/hash-range.ts";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";

const HOUR = 3_600_000;
const START = 1_000 * HOUR;

const web = kinesis("web", {
  schema: z.object({ page: z.string(), at: z.number() }),
  eventTime: (visit) => visit.at,
  disorder: { seconds: 0 },
  idle: "never",
  maxFuture: "unbounded",
});
const visits = pipeline("visits", (flow) => {
  flow
    .from(web)
    .keyBy("by-page", { page: (visit) => visit.page })
    .window("hours", tumbling({ hours: 1 }))
    .aggregate({ visits: count() })
    .to(lake("per_hour", { page: text, windowStart: timestamp, windowEnd: timestamp, visits: bigint }));
});

test("a partition that is added is named by the next commit: its task begins before its first record, and readers wait for it", async () => {
  const turns: TurnReport[] = [];
  const memory = new MemoryPipeline(visits, { start: START, onTurn: (turn) => turns.push(turn) });
  const { stream } = memory.stage("web");
  Object.assign(stream, { added: () => Promise.resolve([...stream.shards]) });
  const put = async (at: number) => {
    memory.put("web", { page: "a", at }, "a");
    await memory.run();
  };
  await put(START);
  await put(START + HOUR);
  expect(memory.rows("per_hour")).toHaveLength(1);
  const added = "shardId-000000000001";
  stream.shards.push({ id: added, parents: [], range: WHOLE_RANGE, records: [], isOpen: true });
  await put(START + 2 * HOUR);
  await memory.advance(1_000);
  expect(turns.some(({ task, trigger }) => task.endsWith(`:${added}`) && trigger === "tick")).toBe(true);
  const before = memory.rows("per_hour").length;
  // Its task has spoken, and has had nothing: no hour is over for it.
  await put(START + 5 * HOUR);
  await memory.advance(60_000);
  expect(memory.rows("per_hour")).toHaveLength(before);
  const value = Buffer.from(JSON.stringify({ page: "a", at: START + 5 * HOUR })).toString("base64");
  stream.shards[1]!.records.push({
    position: { sequence: "1", index: 0 },
    arrival: memory.now,
    partitionKey: "a",
    base64: value,
  });
  await memory.run();
  expect(memory.rows("per_hour").length).toBeGreaterThan(before);
});
