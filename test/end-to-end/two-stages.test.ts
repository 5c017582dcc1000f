import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Live, until } from "./live.ts";
import visits from "./two-stages/pipeline.ts";

const COMMAND = fileURLToPath(new URL("../../tools/dead-letters/main.ts", import.meta.url));
const MINUTE = 60_000;
const T0 = Date.UTC(2024, 0, 1);

let live: Live;
beforeAll(async () => {
  live = await Live.start(visits, "test/end-to-end/two-stages/handler.ts", {
    props: {
      stream: { shards: 2 },
      mapping: { batchingWindow: { seconds: 0 } },
    },
    faults: {
      seed: 1,
      killWorker: 0,
      repeatBatch: 0.2,
      cutBatch: 0.5,
      throttleTable: 0,
      loseTableAnswer: 0,
      throttleStream: 0.2,
      loseStreamAnswer: 0.2,
      failSink: 0,
      failSinkPartly: 0,
      repeatSink: 0,
      delaySink: 0,
      delayMillis: 0,
      earlyChild: 0,
    },
  });
}, 120_000);
afterAll(() => live?.stop());

let keys = 0;
const put = (...all: readonly { page: string; at: number; millis: number; readableFrom?: number }[]) =>
  live.put(...all.map((visit) => [`random ${keys++}`, visit] as const));

/** The counters of a stage's tasks, added up. */
async function countersOf(stage: string, operator: string) {
  const tasks = await live.deployment.stages.find(({ name }) => name === stage)!.tasks();
  const counts = tasks.flatMap(({ counters }) => counters.get(operator) ?? []);
  const total = (field: "in" | "folded" | "filtered" | "dead" | "late") =>
    counts.reduce((sum, one) => sum + one[field], 0);
  return {
    in: total("in"),
    folded: total("folded"),
    filtered: total("filtered"),
    dead: total("dead"),
    late: total("late"),
  };
}

/** The command as a user runs it, with the environment that `npm start -- --keep` prints. */
async function command(...args: readonly string[]): Promise<string> {
  const { outputs, environment } = live.stack;
  const stages = ["Visits", "ByPage"].flatMap((stage) => [
    ...["--control-queue", outputs[`Stage${stage}TickQueueUrl`]!],
    ...["--tasks", outputs[`Stage${stage}Tasks`]!],
  ]);
  const where = ["--queue", outputs["DeadLetterQueueUrl"]!, "--bucket", outputs["StateBucket"]!, ...stages];
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", COMMAND, ...args, ...where], {
    env: { ...process.env, ...environment },
  });
  return stdout;
}

test("X12: values under random keys meet in the next stage, and its windows close although the stream has gone quiet", async () => {
  await put(
    { page: "a", at: T0, millis: 3 },
    { page: "b", at: T0 + 9, millis: 4 },
    { page: "a", at: T0 + 5, millis: 5 },
  );
  await put({ page: "a", at: T0 + 7, millis: 0 }); // filtered in the first stage
  await put({ page: "a", at: T0 + MINUTE, millis: 6 });
  await until("the next stage has closed its windows", () => live.metric("WindowsClosed") >= 2, 60);
  expect((await live.rows("minutes")).slice(0, 2)).toMatchObject([
    { page: "a", window_start: "2024-01-01 00:00:00", visits: "2", millis: "8" },
    { page: "b", window_start: "2024-01-01 00:00:00", visits: "1", millis: "4" },
  ]);
}, 90_000);

test("a later stage's dead letters are listed, shown with key and value, and redriven once, by two commands at once", async () => {
  const at = T0 + 10 * MINUTE;
  const readableFrom = Date.now() + 20_000;
  await put(...Array.from({ length: 9 }, (_, i) => ({ page: `p${i}`, at: at + i, millis: 1, readableFrom })));
  await until("they are dead", async () => (await countersOf("by-page", "by-page")).dead === 9, 60);

  const listed = JSON.parse(await command("list", "--json")) as { id: string; stage: string; operator: string }[];
  expect(listed).toHaveLength(9);
  expect(listed[0]).toMatchObject({ stage: "by-page", operator: "per-minute", kind: "record" });
  const shown = await command("show", listed[0]!.id);
  expect(shown).toMatch(/sent by visits:0:visits:visits\.0:shardId-\d+@\d+#\d+ through by-page\n/);
  expect(shown).toMatch(/"key": \[\s+"p\d"\s+\]/);
  expect(shown).toContain('"time": "2024-01-01T00:10:00.00');
  expect(shown).toContain('"millis": "1"');

  await until("it is mended", () => Date.now() > readableFrom);
  await Promise.all([command("redrive", "--all"), command("redrive", "--all")]);
  await until("all are folded", async () => (await countersOf("by-page", "per-minute")).folded >= 4 + 9, 60);
  expect(await command("list")).toBe("No dead letters.\n");
}, 150_000);

test("the input is ended at the source, and each stage ends when those before it have; every value is accounted for", async () => {
  live.stack.calm();
  await live.drain();
  // The redriven ones came in twice: once dead, once folded. So did all that was put or sent twice, and was dropped.
  expect(await countersOf("visits", "visits")).toMatchObject({ in: 14, dead: 0 });
  expect(await countersOf("visits", "by-page")).toMatchObject({ in: 13, folded: 13 });
  expect(await countersOf("by-page", "by-page")).toMatchObject({ in: 13 + 9, dead: 9 });
  expect(await countersOf("by-page", "per-minute")).toMatchObject({ folded: 13, late: 0 });
  const rows = await live.rows("minutes");
  expect(rows.filter(({ page }) => String(page).startsWith("p"))).toMatchObject(
    Array.from({ length: 9 }, (_, i) => ({ page: `p${i}`, visits: "1", millis: "1" })),
  );
  expect(rows).toHaveLength(3 + 9);
}, 120_000);

test("metrics have each stage's own dimensions", () => {
  const stages = live.stack.metrics().flatMap(({ name, dimensions }) => (name === "RecordsIn" ? [dimensions] : []));
  expect(new Set(stages.map(({ stage }) => stage))).toEqual(new Set(["visits", "by-page"]));
  for (const { deployment, pipeline } of stages) expect([deployment, pipeline]).toEqual(["live", "visits"]);
});
