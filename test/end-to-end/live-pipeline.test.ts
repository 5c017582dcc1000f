import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { provisioned } from "../infra/synthesized.ts";
import { askedByDashboard, seriesText } from "../support/dashboards.ts";
import { Live, until } from "./live.ts";
import readings from "./readings/pipeline.ts";

const T0 = Date.UTC(2024, 0, 1);
const reading = (sensor: string, at: number, value = 1) => [sensor, { sensor, at: T0 + at, value }] as const;

let live: Live;
beforeAll(async () => {
  live = await Live.start(readings, "test/end-to-end/readings/handler.ts");
}, 120_000);
afterAll(() => live?.stop());

const rowsOf = async (sensor: string) => (await live.rows("seconds")).filter((row) => row["sensor"] === sensor);

describe("a pipeline, deployed from its template", () => {
  test("X12: windows close although the stream has gone quiet", async () => {
    await live.put(reading("quiet", 0, 3), reading("quiet", 10, 5), reading("quiet", 1_000, 4));
    await until("the tick has closed both windows", () => live.metric("WindowsClosed") >= 2);
    expect(await rowsOf("quiet")).toMatchObject([
      { window_start: "2024-01-01 00:00:00", readings: "2", highest: 5 },
      { window_start: "2024-01-01 00:00:01", readings: "1", highest: 4 },
    ]);
  });

  test("what the dashboard asks of the functions is what they emit, with exactly these dimensions", () => {
    // Nothing has failed yet, nor was sent again, and no hundred records came at once.
    const later = new Set(["FailedTurns", "SystemicFailures", "BreakerOpen", "Retries", "HotKeyShare"]);
    const emitted = new Set(live.stack.metrics().map(seriesText));
    const asked = askedByDashboard(provisioned(readings))
      .filter(({ namespace, name }) => namespace === "Millrace" && !later.has(name))
      .map((one) => seriesText({ ...one, dimensions: { ...one.dimensions, deployment: "live" } }));
    expect(asked.length).toBeGreaterThan(15);
    expect(asked.filter((one) => !emitted.has(one))).toEqual([]);
  });

  test("X7: malformed records become dead letters, their neighbours are exact", async () => {
    const later = 3_600_000;
    const bad: readonly (readonly [string, unknown])[] = [
      ["m", Buffer.from([0xff, 0xfe])],
      ["m", "not json"],
      ["m", "null"],
      ["m", { sensor: "m", at: "yesterday", value: 1 }],
      ["m", "[".repeat(10_000)],
      ["m", '{"sensor":"m","at":1,"value":1,"__proto__":{"admin":true}}'],
      ["other", { sensor: "m", at: T0, value: 1 }],
      ["m", { sensor: "m", at: Date.UTC(3_000, 0, 1), value: 1 }],
      ["m", JSON.stringify("x".repeat(900_000))],
    ];
    const all = bad.flatMap((one, i) => [reading("m", later + i * 10), one]);
    await live.put(...all, reading("m", later + 999));
    await live.committed();
    await until("the tick has closed the window", async () => (await rowsOf("m")).length > 0);
    expect(await rowsOf("m")).toMatchObject([{ readings: String(bad.length + 1) }]);
    const letters = [...(await live.deadLetters()).values()];
    expect(letters.map(({ reason }) => reason.code).sort()).toEqual(
      [
        "json/utf-8",
        "json/syntax",
        "schema/mismatch",
        "schema/mismatch",
        "json/depth",
        "json/forbidden-key",
        "kinesis/partition-key",
        "time/future",
        "schema/mismatch",
      ].sort(),
    );
    for (const letter of letters) {
      expect(letter).toMatchObject({
        pipeline: "readings",
        stage: "readings",
        operator: "readings",
        partition: "shardId-000000000000",
      });
      expect(letter.position!.sequence).toMatch(/^\d+$/);
      expect(letter.arrival).toBeGreaterThan(T0);
    }
    // What exceeds a message lies on S3, whole.
    const large = letters.filter(({ payload }) => payload === undefined);
    expect(large).toHaveLength(1);
    const { bucket, key } = large[0]!.whole!;
    const [file] = await live.stack.objectFiles(bucket, key);
    const stored = JSON.parse(await readFile(file!, "utf8")) as { payload: string; id: string };
    expect(stored.id).toBe(large[0]!.id);
    expect(Buffer.from(stored.payload, "base64").toString()).toBe(JSON.stringify("x".repeat(900_000)));
  });

  test("X10: when every record is poison the shard stands still and says so; nothing drains into the queue", async () => {
    const before = (await live.deadLetters()).size;
    await live.put(...Array.from({ length: 300 }, (): [string, unknown] => ["p", "broken by a deploy"]));
    await until("the failure is counted, again and again", () => live.metric("SystemicFailures") >= 2);
    expect((await live.deadLetters()).size).toBe(before);
    expect((await live.stack.lag()).recordsBehind).toBeGreaterThanOrEqual(300);
  });
});
