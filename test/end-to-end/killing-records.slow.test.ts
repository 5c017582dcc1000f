import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Live, until } from "./live.ts";
import killing from "./killing/pipeline.ts";

const T0 = Date.UTC(2024, 0, 1);
const HALF = 2n ** 127n;
const NEIGHBOURS = 15;

/** A sensor whose records go to the lower or the upper of two shards. */
function sensorIn(shard: 0 | 1): string {
  const isUpper = (name: string) => BigInt(`0x${createHash("md5").update(name).digest("hex")}`) >= HALF;
  for (let i = 0; ; i++) if (isUpper(`sensor-${i}`) === (shard === 1)) return `sensor-${i}`;
}

const growing = sensorIn(0);
const hanging = sensorIn(1);

const reading = (sensor: string, n: number, does: string) => [sensor, { sensor, at: T0 + n * 100, does }] as const;

/** One record that kills in the middle of others. */
const around = (sensor: string, does: string) => [
  ...Array.from({ length: NEIGHBOURS }, (_, n) => reading(sensor, n, "nothing")),
  reading(sensor, NEIGHBOURS, does),
  ...Array.from({ length: NEIGHBOURS }, (_, n) => reading(sensor, NEIGHBOURS + 1 + n, "nothing")),
];

let live: Live;
beforeAll(async () => {
  live = await Live.start(killing, "test/end-to-end/killing/handler.ts", {
    props: {
      stream: { shards: 2 },
      mapping: { batchingWindow: { seconds: 0 } },
      function: { memory: 256, timeout: { seconds: 3 } },
    },
  });
}, 120_000);
afterAll(() => live?.stop());

describe("X7: a record that kills the process", () => {
  test("is isolated by bisection, set aside with its reason, and its neighbours are exact", async () => {
    await live.put(...around(growing, "grow"), ...around(hanging, "hang"));
    // A record is suspected 30 seconds after its arrival; then it kills three times more.
    await live.committed(90);
    await live.drain();

    const letters = [...(await live.deadLetters()).values()];
    expect(letters.map(({ reason }) => reason.code)).toEqual(["process/killed", "process/killed"]);
    const payloads = letters.map(({ payload }) => JSON.parse(Buffer.from(payload!, "base64").toString()) as object);
    expect(payloads).toEqual(
      expect.arrayContaining([reading(growing, NEIGHBOURS, "grow")[1], reading(hanging, NEIGHBOURS, "hang")[1]]),
    );

    const readingsOf = async (sensor: string) => {
      const rows = (await live.rows("seconds")).filter((row) => row["sensor"] === sensor);
      return rows.map((row) => [row["window_start"], Number(row["readings"])]);
    };
    for (const sensor of [growing, hanging]) {
      expect(await readingsOf(sensor)).toEqual([
        ["2024-01-01 00:00:00", 10],
        // 31 records, a tenth of a second apart, without the one that killed.
        ["2024-01-01 00:00:01", 9],
        ["2024-01-01 00:00:02", 10],
        ["2024-01-01 00:00:03", 1],
      ]);
    }
  }, 180_000);

  test("what came after it is folded as ever", async () => {
    const later = sensorIn(0);
    const before = live.metric("RecordsIn");
    await live.put(reading(later, 0, "nothing"));
    await until("it is folded", () => live.metric("RecordsIn") > before);
    expect((await live.deadLetters()).size).toBe(2);
  });
});
