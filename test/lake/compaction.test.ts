import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compactLake, QUERY_MILLIS } from "../../lib/connectors/firehose/compaction/compact.ts";
import { compacted, Crash, DAY, HOUR, MemoryFiles, parquetOf, rowsIn, settingsOf, viewOf } from "./files.ts";

const FOLDER = "data/trips/event_date=2001-01-01/";
const CLOSED = Date.UTC(2001, 0, 2) + 6 * HOUR;

const put = (files: MemoryFiles, name: string, rows: readonly number[], folder = FOLDER) =>
  files.stored.set(`${folder}2001/01/01/00/${name}.parquet`, { bytes: parquetOf(rows), modified: files.now });

const view = (files: MemoryFiles) => viewOf([...files.stored.values()].map(({ bytes }) => bytes));
const names = (files: MemoryFiles) => [...files.stored.keys()].map((key) => key.replace(/[0-9a-f]{32}/, "…"));

function threeFiles(): MemoryFiles {
  const files = new MemoryFiles();
  files.now = CLOSED;
  put(files, "a", [1, 2, 3, 2]);
  put(files, "b", [3, 4]);
  put(files, "c", [5, 1]);
  return files;
}

const run = (files: MemoryFiles, more = {}) => compactLake(compacted, settingsOf(files, more));
const later = (files: MemoryFiles, millis = QUERY_MILLIS) => {
  files.now += millis;
};

describe("compaction", () => {
  test("makes one file of several, each row once, with every value of every type", async () => {
    const files = threeFiles();
    const before = await view(files);
    await run(files);
    const [merged] = [...files.stored].filter(([key]) => key.includes("merged-"));
    expect((await rowsIn(merged![1].bytes)).map((row) => row["output_id"])).toEqual(
      [1, 2, 3, 4, 5].map((n) => `t@${n}#0`),
    );
    expect(await viewOf([merged![1].bytes])).toEqual(before);
  });

  test("deletes what it has merged only when no query that began before can still be running", async () => {
    const files = threeFiles();
    await run(files);
    later(files, QUERY_MILLIS - 1);
    await run(files);
    expect(files.stored.size).toBe(4);
    later(files, 1);
    await run(files);
    expect(names(files)).toEqual([`${FOLDER}merged-….parquet`]);
  });

  test("leaves a folder alone until its day is over for a while, and what is in no folder for ever", async () => {
    const files = threeFiles();
    put(files, "x", [1], "data/trips/elsewhere/");
    put(files, "y", [1], "data/trips/elsewhere/");
    files.now = CLOSED - 1;
    await run(files);
    expect(files.stored.size).toBe(5);
    later(files, 1);
    await run(files);
    expect(files.stored.size).toBe(6);
  });

  test("takes folders by arrival too: a day at a time", async () => {
    const files = new MemoryFiles();
    files.now = CLOSED;
    files.stored.set("data/trips/2001/01/01/05/a.parquet", { bytes: parquetOf([1, 2]), modified: 0 });
    files.stored.set("data/trips/2001/01/01/17/b.parquet", { bytes: parquetOf([2, 3]), modified: 0 });
    await run(files);
    later(files);
    await run(files);
    expect(names(files)).toEqual(["data/trips/2001/01/01/merged-….parquet"]);
    expect((await view(files)).size).toBe(3);
  });

  test("rows that come late are merged with the rest next time", async () => {
    const files = threeFiles();
    await run(files);
    later(files);
    put(files, "late", [9, 1]);
    await run(files);
    later(files);
    await run(files);
    expect(names(files)).toEqual([`${FOLDER}merged-….parquet`]);
    expect((await view(files)).size).toBe(6);
  });

  test("a run that finds nothing to do writes and deletes nothing", async () => {
    const files = threeFiles();
    await run(files);
    later(files);
    await run(files);
    const { stored } = files;
    const before = new Map(stored);
    later(files, DAY);
    files.requests = 0;
    await run(files);
    expect(stored).toEqual(before);
    expect(files.requests).toBe(1); // the list
  });

  test("a file that is large already is not written again", async () => {
    const files = threeFiles();
    const largest = 2 * files.stored.get(`${FOLDER}2001/01/01/00/a.parquet`)!.bytes.length;
    await run(files, { largest });
    expect(names(files)).toHaveLength(4); // b and c, the smaller ones, are merged
    later(files);
    await run(files, { largest });
    expect(names(files).toSorted()).toEqual([`${FOLDER}2001/01/01/00/a.parquet`, `${FOLDER}merged-….parquet`]);
  });

  test("a file that is large by its rows is in nobody's way, and read no more but for its end", async () => {
    const files = new MemoryFiles();
    files.now = CLOSED;
    const rowsOf = (from: number, length: number) => Array.from({ length }, (_, i) => from + i);
    put(files, "a", rowsOf(0, 9_000));
    for (let i = 0; i < 9; i++) put(files, `b${i}`, rowsOf(10_000 + i * 3_000, 3_000));
    const before = await view(files);
    for (let time = 0; time < 6; time++) {
      await run(files, { mostRows: 10_000 });
      later(files);
    }
    const done = [...files.stored.values()];
    const sizes = await Promise.all(done.map(async ({ bytes }) => (await rowsIn(bytes)).length));
    expect(sizes).toEqual([9_000, 9_000, 9_000, 9_000]);
    expect(await view(files)).toEqual(before);
    files.bytesRead = 0;
    await run(files, { mostRows: 10_000 });
    expect(files.bytesRead).toBeLessThanOrEqual(7 * 64 * 1_024); // twice the ends of the merged ones
    expect(done.every(({ bytes }) => bytes.length > 2 * 64 * 1_024)).toBe(true);
  });

  test("stops where there is no more time, and says so", async () => {
    const files = threeFiles();
    const events: string[] = [];
    await run(files, { hasTime: () => false, log: (event: string) => events.push(event) });
    expect(files.stored.size).toBe(3);
    expect(events).toEqual(["out of time"]);
  });

  test("a file with a column that the lake has not is left alone: nothing of it is lost", async () => {
    const files = threeFiles();
    const events: object[] = [];
    const columns = compacted.columns.filter(({ name }) => name !== "meters");
    const log = (event: string, details: object) => events.push({ event, ...details });
    await compactLake({ ...compacted, columns }, settingsOf(files, { log }));
    expect(files.stored.size).toBe(3);
    expect(events[0]).toMatchObject({ event: "left alone", reason: "it has a column meters, which the lake has not" });
  });

  test("a column that was added later is missing in the rows before", async () => {
    const files = threeFiles();
    const columns = [{ name: "tip", type: "double" as const }, ...compacted.columns];
    await compactLake({ ...compacted, columns }, settingsOf(files));
    const [merged] = [...files.stored].filter(([key]) => key.includes("merged-"));
    const rows = await rowsIn(merged![1].bytes);
    expect(rows).toHaveLength(5);
    expect(rows.every((row) => row["tip"] === null)).toBe(true);
  });

  test("a folder that cannot be compacted does not keep others from it, and fails the run", async () => {
    const files = threeFiles();
    const bad = "data/trips/event_date=2000-12-31/";
    files.stored.set(`${bad}a.parquet`, { bytes: Buffer.from("no Parquet at all"), modified: 0 });
    files.stored.set(`${bad}b.parquet`, { bytes: Buffer.from("no Parquet at all"), modified: 0 });
    await expect(run(files)).rejects.toMatchObject({
      code: "lake/compaction",
      message: expect.stringContaining(bad) as string,
    });
    expect(names(files)).toContain(`${FOLDER}merged-….parquet`);
  });
});

describe("compaction may end anywhere", () => {
  test("after each request, and is then done by the next runs, with each row seen all the time", async () => {
    const rows = await view(threeFiles());
    for (let requests = 0; ; requests += 0.5) {
      const files = threeFiles();
      let crashed = false;
      for (let time = 0; time < 3; time++) {
        files.left = time === 2 ? Infinity : requests;
        const ended = await run(files).then(
          () => false,
          (error: unknown) => error instanceof Crash || (error as { cause?: unknown }).cause instanceof Crash,
        );
        crashed ||= ended;
        expect(await view(files)).toEqual(rows);
        later(files);
      }
      files.left = Infinity;
      await run(files);
      later(files);
      await run(files);
      expect(names(files)).toEqual([`${FOLDER}merged-….parquet`]);
      expect(await view(files)).toEqual(rows);
      if (!crashed) break;
    }
  });

  test("in any order of arrivals, runs, crashes, and runs at the same time, no row is missing at any time", async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("arrive" as const), rows: fc.array(fc.nat(20), { minLength: 1, maxLength: 5 }) }),
      fc.record({
        do: fc.constant("run" as const),
        requests: fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 20 })),
      }),
      fc.record({ do: fc.constant("both" as const) }),
      fc.record({ do: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 30 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        const files = new MemoryFiles();
        files.now = CLOSED;
        const arrived = new Set<string>();
        for (const [i, one] of steps.entries()) {
          if (one.do === "arrive") {
            put(files, `f${i}`, one.rows);
            for (const n of one.rows) arrived.add(`t@${n}#0`);
          } else if (one.do === "run") {
            files.left = one.requests;
            await run(files).catch(() => undefined);
            files.left = Infinity;
          } else if (one.do === "both")
            await Promise.all([run(files), run(files)].map((each) => each.catch(() => undefined)));
          else later(files, one.hours * HOUR);
          expect([...(await view(files)).keys()]).toEqual([...arrived].toSorted());
        }
        for (let time = 0; time < 4; time++) {
          await run(files);
          later(files);
        }
        expect(files.stored.size).toBeLessThanOrEqual(1);
      }),
      { numRuns: 60 },
    );
  });

  test("a query sees each row once, whatever is compacted between the folder's list and its end", async () => {
    const files = threeFiles();
    const rows = await view(files);
    const listed = [...files.stored.keys()];
    await run(files); // merges; what was listed stays for as long as a query may run
    later(files, QUERY_MILLIS - 1);
    await run(files);
    expect(await viewOf(listed.map((key) => files.stored.get(key)!.bytes))).toEqual(rows);
  });
});
