import { setTimeout as wait } from "node:timers/promises";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test as inTurn } from "vitest";
import { poisonError } from "../../lib/errors.ts";
import type { SumRow, Event } from "../support/events-pipeline.ts";
import { naiveWindows, sorted } from "../support/naive-windows.ts";
import { readLetters } from "../../tools/dead-letters/list.ts";
import { describeLetter, findLetter } from "../../tools/dead-letters/show.ts";
import { Queues, type FailedPipeline } from "./queues.ts";

const EVENTS: readonly Event[] = Array.from({ length: 36 }, (_, i) => ({
  key: ["a", "b", "c"][i % 3]!,
  time: i % 8,
  value: 1 + (i % 5),
}));
const EXPECTED = naiveWindows(EVENTS, { disorder: 5, lateness: 0 });
const isBroken = (sequence: number) => sequence % 3 === 0;
const LETTERS = 12;

let queues: Queues;
beforeAll(async () => {
  queues = await Queues.start();
});
afterAll(() => queues.stop());

/** Tests wait for queues most of the time. */
const test = inTurn.concurrent;

const failed = () => queues.pipeline(EVENTS, isBroken);

/** The rows are those of a pipeline that never failed, and every record is accounted for. */
async function check({ rig }: FailedPipeline, letters = LETTERS): Promise<void> {
  await rig.task().turn({ kind: "drain" });
  expect(sorted(rig.rows<SumRow>("sums"))).toEqual(sorted(EXPECTED.windows));
  const counters = await rig.counters();
  expect(counters.get("events")).toMatchObject({ in: EVENTS.length + letters, dead: letters });
  expect(counters.get("tens")).toMatchObject({ folded: EVENTS.length, late: 0 });
}

/** A client whose process is killed at one of its requests: before it is sent, or with its answer on the way. */
function dying(at: number, kind: "before" | "after"): { client: SQSClient; requests: () => number } {
  let requests = 0;
  const client = queues.newClient();
  client.middlewareStack.add(
    (next) => async (args) => {
      const request = requests++;
      if (request > at || (request === at && kind === "before")) throw new Error("killed");
      const answer = await next(args);
      if (request === at) throw new Error("killed");
      return answer;
    },
    { step: "initialize" },
  );
  return { client, requests: () => requests };
}

test("a redrive of all: the rows are those of a pipeline that never failed, and the queue is empty", async () => {
  const pipeline = await failed();
  const summary = await pipeline.redrive();
  expect(summary).toMatchObject({ copies: 0, refused: [], missing: [], unreadable: 0, others: 0 });
  expect(summary.redriven).toHaveLength(LETTERS);
  expect(await pipeline.consume()).toBe(LETTERS);
  await check(pipeline);
  expect((await readLetters(pipeline.queue(), () => false)).letters).toEqual([]);
});

for (const kind of ["before", "after"] as const) {
  test(`killed ${kind} each of its requests, and run again: every letter has its effect once`, async () => {
    // Counts the requests of a run that nothing kills.
    const whole = dying(Number.POSITIVE_INFINITY, kind);
    await (await failed()).redrive({}, whole);
    expect(whole.requests()).toBeGreaterThanOrEqual(7); // attributes, two batches read, sent and deleted, and two looks
    await Promise.all(
      Array.from({ length: whole.requests() }, async (_, at) => {
        const pipeline = await failed();
        await pipeline.redrive({}, dying(at, kind)).catch((error: Error) => expect(error.message).toBe("killed"));
        await pipeline.consume();
        await wait(2_500); // what the dead command has hidden comes back
        await pipeline.redrive();
        await pipeline.consume();
        await check(pipeline);
        expect((await readLetters(pipeline.queue(), () => false)).letters).toEqual([]);
      }),
    );
  });
}

test("two commands at once, letters and redrives that queues deliver twice", async () => {
  const pipeline = await failed();
  for (const { body } of (await readLetters(pipeline.queue(), () => false)).letters) await pipeline.put(body);
  const summaries = await Promise.all([pipeline.redrive(), pipeline.redrive({}, { client: queues.newClient() })]);
  const sent = summaries.reduce((sum, { redriven }) => sum + redriven.length, 0);
  expect(sent).toBeGreaterThanOrEqual(LETTERS);
  expect(await pipeline.consume(2)).toBe(sent);
  await check(pipeline);
});

test("a letter that lies on S3, and one that fills a message to the last byte, are redriven too", async () => {
  const pipeline = await queues.pipeline(
    EVENTS.map((event, i) => ({ ...event, ...(i === 2 && { note: "x".repeat(300_000) }) })),
    isBroken,
  );
  const { letters } = await readLetters(pipeline.queue(), () => false);
  const large = letters.find(({ letter }) => letter.whole !== undefined)!;
  expect(large.letter).toMatchObject({ position: { sequence: "3" } });
  expect(await describeLetter(large, queues.objects)).toContain('"note": "xxxx');
  // Written by a build that left no room for the redrive. Space is JSON, too.
  const { body, messageId } = letters[1]!;
  const queue = pipeline.queue();
  for await (const batch of queue.read(100)) await queue.delete(batch.filter((one) => one.messageId === messageId));
  await queue.giveBack();
  await pipeline.put(body.replace(/\}$/, `${" ".repeat(256 * 1_024 - body.length)}}`));
  const { redriven } = await pipeline.redrive();
  expect(redriven).toHaveLength(LETTERS);
  await pipeline.consume();
  await check(pipeline);
});

test("a dry run, ids, reasons: what is not meant stays in the queue, and is given back at once", async () => {
  const pipeline = await failed();
  const all = await readLetters(pipeline.queue(), () => false);
  const ids = all.letters.slice(0, 2).map(({ letter }) => letter.id);
  expect((await pipeline.redrive({ dryRun: true })).redriven).toHaveLength(LETTERS);
  expect((await pipeline.redrive({ selection: { reason: "other/code" } })).others).toBe(LETTERS);
  const summary = await pipeline.redrive({ selection: { ids: [...ids, "none@1#0"] } });
  expect(summary).toMatchObject({ others: LETTERS - 2, missing: ["none@1#0"] });
  expect(await pipeline.consume()).toBe(2);
  expect((await readLetters(pipeline.queue(), () => false)).letters).toHaveLength(LETTERS - 2);
  expect((await pipeline.redrive({ selection: { reason: "test/broken" } })).redriven).toHaveLength(LETTERS - 2);
  await pipeline.consume();
  await check(pipeline);
});

test("letters of other deployments are refused with a reason and kept, and so is what is no letter", async () => {
  const pipeline = await failed();
  const { letter } = (await readLetters(pipeline.queue(), () => false)).letters[0]!;
  const foreign = letter.task.replace(":0:", ":1:");
  await pipeline.put(JSON.stringify({ ...letter, task: foreign, id: `${foreign}@1#0` }));
  await pipeline.put("hello");
  const summary = await pipeline.redrive();
  expect(summary.refused).toMatchObject([{ id: `${foreign}@1#0`, why: expect.stringContaining("another pipeline") }]);
  expect(summary).toMatchObject({ unreadable: 1 });
  expect(summary.redriven).toHaveLength(LETTERS);
  const left = await readLetters(pipeline.queue(), () => false);
  expect(left.letters.map(({ letter: { id } }) => id)).toEqual([`${foreign}@1#0`]);
  expect(left.unreadable).toBe(1);
});

test("an interrupted command gives back what it has not redriven", async () => {
  const pipeline = await failed();
  const summary = await pipeline.redrive({}, { client: queues.sqs, isOver: () => true });
  expect(summary.redriven.length).toBeLessThan(LETTERS);
  expect((await pipeline.redrive()).redriven).toHaveLength(LETTERS - summary.redriven.length);
  await pipeline.consume();
  await check(pipeline);
});

test("what fails again while the command runs is left for another run", async () => {
  const pipeline = await failed();
  const broken = (): never => {
    throw poisonError({ code: "test/broken", message: "Still not." });
  };
  const summary = await pipeline.redrive({}, { meanwhile: () => pipeline.consume(1, broken) });
  expect(summary.redriven).toHaveLength(LETTERS);
  expect(summary.again).toBe(LETTERS);
  expect((await pipeline.redrive()).redriven).toHaveLength(LETTERS);
  await pipeline.consume();
  await check(pipeline, 2 * LETTERS);
});

test("a letter is shown with its payload as what it is", async () => {
  const pipeline = await failed();
  const { letters } = await readLetters(pipeline.queue(), () => false);
  const found = await findLetter(pipeline.queue(), letters[3]!.letter.id);
  const text = await describeLetter(found!, queues.objects);
  expect(text).toContain('"code": "test/broken"');
  expect(text).toContain('bytes of JSON\n{\n  "key": "c"');
  const shown = (payload: Buffer) =>
    describeLetter({ ...found!, letter: { ...found!.letter!, payload: payload.toString("base64") } }, queues.objects);
  expect(await shown(Buffer.from("not \u001b[2J json"))).toContain(String.raw`"not \u001b[2J json"`);
  expect(await shown(Buffer.from([0xff, 0xfe]))).toContain("no text, in base64\n//4=");
  expect(await findLetter(pipeline.queue(), "none@1#0")).toBeUndefined();
});
