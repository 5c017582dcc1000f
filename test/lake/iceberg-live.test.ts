import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Database } from "../../localstack/start/database.ts";
import { lakeOf, openLake } from "../../localstack/start/results.ts";
import { Live } from "../end-to-end/live.ts";
import readings from "./iceberg/pipeline.ts";

const SENSORS = 20;
const SECONDS = 40;
const T0 = Date.UTC(2024, 0, 1);

let live: Live;
let directory: string;
let database: Database;

beforeAll(async () => {
  live = await Live.start(readings, "test/lake/iceberg/handler.ts", {
    props: { stream: { shards: 2 }, mapping: { batchingWindow: { seconds: 0 } } },
    faults: {
      seed: 7,
      killWorker: 0.2,
      repeatBatch: 0.2,
      cutBatch: 0.3,
      throttleTable: 0.05,
      loseTableAnswer: 0.05,
      throttleStream: 0,
      loseStreamAnswer: 0,
      failSink: 0.1,
      failSinkPartly: 0.2,
      repeatSink: 0.4,
      delaySink: 0.1,
      delayMillis: 20,
      earlyChild: 0,
    },
  });
  directory = await mkdtemp(path.join(tmpdir(), "millrace-iceberg-"));
  database = await Database.open(directory);
}, 120_000);

afterAll(async () => {
  database?.close();
  await live?.stop();
  await rm(directory, { recursive: true, force: true });
});

test("X8: a table of Iceberg has each row once, whatever is delivered again", { timeout: 180_000 }, async () => {
  // Buffer after buffer, so that rows come again in their own buffer and in later ones.
  for (let second = 0; second < SECONDS; second++) {
    await live.put(
      ...Array.from({ length: SENSORS }, (_, n) => {
        const sensor = `s${n}`;
        return [sensor, { sensor, at: T0 + second * 1_000, value: second + n }] as const;
      }),
    );
    if (second % 5 === 4) {
      await live.committed(60);
      await live.stack.flushDeliveryStreams();
    }
  }
  await live.drain();
  await live.stack.flushDeliveryStreams();
  const lakes = new Map((await openLake(database, lakeOf(live.stack))).map((lake) => [lake.name, lake]));

  // The faults did have rows delivered again: where nothing merges them they are there.
  expect(live.stack.injected().repeatSink).toBeGreaterThan(0);
  expect(lakes.get("hidden")!.repeats).toBeGreaterThan(0);
  expect(live.stack.usage().firehose.records).toBeGreaterThan(SENSORS * SECONDS);

  expect(lakes.get("merged")).toMatchObject({ rawRows: SENSORS * SECONDS, repeats: 0 });
  const rowsOf = (lake: string) =>
    database.rows(`SELECT sensor, window_start, window_end, readings, highest FROM ${lake} ORDER BY ALL`);
  const merged = await rowsOf("merged");
  expect(merged).toEqual(await rowsOf("hidden"));
  expect(merged[0]).toEqual({
    sensor: "s0",
    window_start: new Date(T0),
    window_end: new Date(T0 + 1_000),
    readings: 1n,
    highest: 0,
  });
});
