import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Live, until } from "../end-to-end/live.ts";
import mended from "./live/pipeline.ts";

const COMMAND = fileURLToPath(new URL("../../tools/dead-letters/main.ts", import.meta.url));
const T0 = Date.UTC(2024, 0, 1);

let live: Live;
beforeAll(async () => {
  live = await Live.start(mended, "test/dead-letters/live/handler.ts");
}, 120_000);
afterAll(() => live?.stop());

/** The command as a user runs it, with the environment that `npm start -- --keep` prints. */
async function command(...args: readonly string[]): Promise<string> {
  const { outputs, environment } = live.stack;
  const where = [
    ...["--queue", outputs["DeadLetterQueueUrl"]!, "--bucket", outputs["StateBucket"]!],
    ...["--control-queue", outputs["StageReadingsTickQueueUrl"]!, "--tasks", outputs["StageReadingsTasks"]!],
  ];
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", COMMAND, ...args, ...where], {
    env: { ...process.env, ...environment },
  });
  return stdout;
}

test("dead letters of a deployed pipeline are listed, shown and redriven, and the rows are whole", async () => {
  const reading = (i: number, from: number) => ["s", { sensor: "s", at: T0 + i, readableFrom: from }] as const;
  await live.put(reading(9, 0));
  await until("the function is at work", () => live.metric("RecordsFolded") === 1);
  const readableFrom = Date.now() + 15_000;
  await live.put(...Array.from({ length: 9 }, (_, i) => reading(i, i % 3 === 0 ? readableFrom : 0)));
  await until("three are dead", () => live.metric("RecordsDead") === 3);

  const listed = JSON.parse(await command("list", "--json")) as { id: string; reason: object; kind: string }[];
  expect(listed).toHaveLength(3);
  expect(listed[0]).toMatchObject({ kind: "record", operator: "readable", reason: { code: "user-code/threw" } });
  expect(await command("show", listed[0]!.id)).toContain('"sensor": "s"');
  expect(await command("list")).toMatch(/user-code\/threw +3/);
  expect(await command("redrive", "--all", "--dry-run")).toContain("would redrive 3");

  await until("it is mended", () => Date.now() > readableFrom);
  const outputs = await Promise.all([command("redrive", "--all"), command("redrive", "--all")]);
  const redriven = outputs.map((output) => Number(/redriven (\d+) · left 0\n$/.exec(output)![1]));
  expect(redriven[0]! + redriven[1]!).toBeGreaterThanOrEqual(3);
  await until("all are folded", () => live.metric("RecordsFolded") === 10);
  expect(live.metric("RecordsIn")).toBe(13);
  expect(await command("list")).toBe("No dead letters.\n");

  for (const task of await live.deployment.source.taskNames()) await live.deployment.drain(task);
  await until("the window is closed", () => live.metric("WindowsClosed") === 1);
  expect(await live.rows("minutes")).toMatchObject([{ sensor: "s", readings: "10" }]);
}, 120_000);
