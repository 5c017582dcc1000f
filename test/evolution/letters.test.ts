import {
  bigint,
  count,
  countWindow,
  double,
  filtered,
  globalWindow,
  hopping,
  lake,
  nullable,
  pipeline,
  session,
  sliding,
  sum,
  text,
  timestamp,
  tumbling,
  type Aggregate,
  type AggregateOptions,
  type Pipeline,
  type WindowAssigner,
  type WindowOptions,
} from "millrace";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { systemicError } from "../../lib/errors.ts";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";
import { redriveBody } from "../../lib/runtime/redrive.ts";
import { parseControlMessage, type ControlMessage } from "../../lib/runtime/tick.ts";
import { overriding } from "../support/overriding.ts";
import { record, Rig } from "../support/rig.ts";
import { deployings, firstOf, runDeploying } from "./deploying.ts";
import { boxed, event, eventsOf, listed, type Event } from "./events.ts";

const source = eventsOf(event, 5);
const rows = lake("rows", {
  key: text,
  windowStart: nullable(timestamp),
  windowEnd: nullable(timestamp),
  total: nullable(double),
  seen: nullable(text),
  events: nullable(bigint),
  pane: nullable(text),
  paneIndex: nullable(bigint),
  sign: nullable(bigint),
});

/** What a build does with a window's row. */
const build: { check: () => void } = { check: () => undefined };
const breaks = (): void => {
  throw new Error("not yet");
};

interface Version {
  readonly aggregates: Readonly<Record<string, Aggregate<Event, unknown>>>;
  readonly changes?: AggregateOptions;
  readonly window?: string;
  readonly was?: readonly string[];
  readonly dropped?: readonly string[];
  readonly windows?: { readonly assigner: WindowAssigner<Event>; readonly options?: WindowOptions };
}

const version = ({ aggregates, changes = {}, window = "w", was = [], dropped = [], windows }: Version): Pipeline =>
  pipeline(
    "letters",
    (flow) => {
      flow
        .from(source)
        .byKey.window(window, (windows?.assigner ?? tumbling({ millis: 20 })) as never, { ...windows?.options, was })
        .aggregate(aggregates as Record<string, never>, changes)
        .map("check", (row) => {
          build.check();
          return row;
        })
        .to(rows as never);
    },
    { dropped, poison: { share: 1 } },
  );

const total = sum((e: Event) => e.n);

const messageOf = (letter: DeadLetter): ControlMessage => parseControlMessage(redriveBody(JSON.stringify(letter)))!;

const early = { early: { eventTime: { millis: 10 } } };
const KINDS: Readonly<Record<string, NonNullable<Version["windows"]>>> = {
  tumbling: { assigner: tumbling({ millis: 20 }) },
  hopping: { assigner: hopping({ size: { millis: 40 }, every: { millis: 20 } }) },
  sliding: { assigner: sliding({ preceding: { millis: 25 } }) },
  session: { assigner: session({ gap: { millis: 6 } }) },
  retracting: { assigner: tumbling({ millis: 30 }), options: { trigger: early, accumulation: "retracting" } },
  discarding: { assigner: session({ gap: { millis: 6 } }), options: { trigger: early, accumulation: "discarding" } },
  global: { assigner: globalWindow(), options: { trigger: early, accumulation: "accumulating" } },
  count: { assigner: countWindow(1_000) },
};

const events = fc
  .array(fc.record({ key: fc.constantFrom(..."abcd"), time: fc.nat(120) }), { minLength: 1, maxLength: 30 })
  .map((all) => all.map((each, i): Event => ({ ...each, n: i + 1, time: each.time + i })));

const sorted = (all: readonly unknown[]) => all.map((one) => JSON.stringify(one)).toSorted();

describe.each(Object.entries(KINDS))("%s windows", (_kind, windows) => {
  test("rows that versions have set aside are, redriven into the last one, those that it would have made", async () => {
    const renamed = { windows, window: "windows", was: ["w"] };
    // As many aggregates in the last as in the first.
    const versions = [
      version({ windows, aggregates: { events: count(), seen: listed } }),
      version({
        ...renamed,
        aggregates: { total, seen: boxed, events: count() },
        changes: { version: 2, migrate: { 1: { added: ["total"] } } },
      }),
      version({
        ...renamed,
        aggregates: { seen: boxed, total },
        changes: { version: 3, migrate: { 1: { added: ["total"] }, 2: { removed: ["events"] } } },
      }),
    ];
    await fc.assert(
      fc.asyncProperty(events, deployings(3), fc.boolean(), async (input, deploying, failsAgain) => {
        build.check = breaks;
        const { rig } = await runDeploying(versions, input, deploying);
        expect(rig.rows("rows")).toEqual([]);
        if (failsAgain) for (const letter of rig.deadLetters()) await rig.process().control(messageOf(letter));
        build.check = () => undefined;
        // Twice: the second time there is nothing to do. What failed again is in its own letter.
        const letters = rig.deadLetters().slice(failsAgain ? rig.deadLetters().length / 2 : 0);
        for (const letter of [...letters, ...letters]) await rig.process().control(messageOf(letter));
        const since = firstOf(1, deploying, input.length);
        const asked = filtered(total, (e: Event) => e.n > since);
        const oracle = version({ windows, aggregates: { seen: listed, total: asked } });
        const expected = await runDeploying([oracle, oracle, oracle], input, deploying);
        expect(sorted(rig.rows("rows"))).toEqual(sorted(expected.rig.rows("rows")));
        expect(rig.deadLetters()).toHaveLength(letters.length * (failsAgain ? 2 : 1));
        expect((await rig.counters()).get("windows")).toMatchObject({ dead: rig.deadLetters().length });
      }),
      { numRuns: 25 },
    );
  });
});

const one = (n: number, time: number) => record(n, { key: "a", time, n });
const FIRST: Version = { aggregates: { events: count() } };
const renamed: Version = { ...FIRST, window: "windows", was: ["w"] };

/** A window of version 1 is set aside, and another one of its key is open. */
async function withLetter(first = version(FIRST)): Promise<{ readonly rig: Rig; readonly letter: DeadLetter }> {
  build.check = breaks;
  const rig = new Rig(first);
  rig.deploy(first, "build-1");
  await rig.task().turn({ kind: "records", records: [one(1, 1), one(2, 2), one(3, 40)] });
  build.check = () => undefined;
  const [letter] = rig.deadLetters();
  expect(letter).toMatchObject({ kind: "pane", unit: { operator: "w", table: "w" } });
  return { rig, letter: letter! };
}

/** Deploys a version, and lets a task write its checkpoint. */
async function deploy(rig: Rig, pipeline: Pipeline, name: string): Promise<void> {
  rig.deploy(pipeline, name);
  await rig.task().turn({ kind: "sweep" });
}

async function refused(rig: Rig, letter: DeadLetter): Promise<unknown> {
  const before = await rig.header();
  const thrown = await rig
    .process()
    .control(messageOf(letter))
    .catch((error: unknown) => error);
  expect(await rig.header()).toEqual(before);
  return thrown;
}

describe("what a letter holds and this build has no place for", () => {
  test("of an operator under an old name, when the new one does not say what it was any more", async () => {
    const { rig, letter } = await withLetter();
    await deploy(rig, version(renamed), "build-2");
    await deploy(rig, version({ ...renamed, was: [] }), "build-3");
    expect(await refused(rig, letter)).toMatchObject({
      kind: "systemic",
      code: "redrive/no-operator",
      message:
        `Dead letter ${letter.id} holds a pane of operator "w", and this build's stage has no such operator. Deploy a build ` +
        'that has it until the letter is redriven. If the operator has another name now, give it was: ["w"]; if its state ' +
        'is to go, give the pipeline dropped: ["w"].',
    });
    rig.deploy(version(renamed), "build-4");
    await rig.process().control(messageOf(letter));
    expect(rig.rows("rows")).toMatchObject([{ key: "a", window_start: 0, events: 2 }]);
  });

  test("of an operator whose state goes: it goes too, once", async () => {
    const { rig, letter } = await withLetter();
    rig.deploy(version({ ...FIRST, window: "anew", dropped: ["w"] }), "build-2");
    const { shape: _shape, ...withoutShape } = letter.unit!;
    for (const one of [letter, { ...letter, unit: withoutShape }]) await rig.process().control(messageOf(one));
    const epoch = (await rig.header())!.epoch;
    await rig.process().control(messageOf(letter));
    expect((await rig.header())!.epoch).toBe(epoch);
    expect(rig.rows("rows")).toEqual([]);
    expect(rig.deadLetters()).toHaveLength(1);
    expect((await rig.counters()).get("w")).toMatchObject({ dead: 1 });
  });

  test("without its shape, as earlier releases wrote it", async () => {
    const { rig, letter } = await withLetter();
    const { shape: _shape, table: _table, ...unit } = letter.unit!;
    expect(await refused(rig, { ...letter, unit })).toMatchObject({
      kind: "systemic",
      code: "redrive/no-shape",
      message: expect.stringContaining('holds a pane of operator "w", and does not say in which shape.') as string,
    });
    expect(await refused(rig, { ...letter, unit: { ...letter.unit!, shape: "[1]" } })).toMatchObject({
      code: "redrive/no-shape",
    });
    await rig.process().control(messageOf(letter));
    expect(rig.rows("rows")).toMatchObject([{ key: "a", window_start: 0, events: 2 }]);
  });

  test("of a version from which nothing leads any more, with as many aggregates", async () => {
    const { rig, letter } = await withLetter();
    const changed = { added: ["total"], removed: ["events"] };
    const second = { aggregates: { total }, changes: { version: 2, migrate: { 1: changed } } };
    await deploy(rig, version(second), "build-2");
    // Every task has a checkpoint: the step is needed for letters alone.
    rig.deploy(version({ aggregates: { total }, changes: { version: 2 } }), "build-3");
    expect(await refused(rig, letter)).toMatchObject({
      kind: "systemic",
      code: "state/shape",
      message: expect.stringMatching(
        /^Dead letter .* holds a pane of operator "w", which does not fit this build: it has no "total", which this build has; it has a "events", which this build does not have\. If the build that set it aside is the later one, deploy it\. /,
      ) as string,
    });
    rig.deploy(version(second), "build-4");
    await rig.process().control(messageOf(letter));
    expect(rig.rows("rows")).toMatchObject([{ key: "a", window_start: 0, total: 0 }]);
  });

  test("of a later version than the build that is given it", async () => {
    const { rig, letter } = await withLetter();
    const [fixed, , ...parts] = JSON.parse(letter.unit!.shape!) as unknown[];
    const newer = { ...letter, unit: { ...letter.unit!, shape: JSON.stringify([fixed, 2, ...parts]) } };
    expect(await refused(rig, newer)).toMatchObject({
      code: "state/newer",
      message: expect.stringMatching(
        /holds a pane of operator "w", which is of a later version than this build's: .* Deploy the build that set it aside or a later one\.$/,
      ) as string,
    });
  });
});

test("X7: a letter that kills the process is counted as the operator's that it is of now", async () => {
  const { rig, letter } = await withLetter();
  await deploy(rig, version(renamed), "build-2");
  let isDead = false;
  build.check = () => {
    isDead = true;
    throw systemicError({ code: "test/killed", message: "The process is gone." });
  };
  const attempt = async (receives: number) => {
    isDead = false;
    const dying = rig.process({
      wrapChangelog: (inner) =>
        overriding(inner, {
          append: (...args) => (isDead ? Promise.reject(new Error("dead")) : inner.append(...args)),
          endTrial: (...args) => (isDead ? Promise.reject(new Error("dead")) : inner.endTrial(...args)),
        }),
    });
    return dying.control(messageOf(letter), receives).then(
      () => true,
      () => false,
    );
  };
  for (let receives = 1; !(await attempt(receives)); receives++) expect(receives).toBeLessThan(6);
  expect((await rig.counters()).get("windows")).toMatchObject({ dead: 2 });
  expect((await rig.counters()).has("w")).toBe(false);
  const again = rig.deadLetters()[1]!;
  expect(again).toMatchObject({ reason: { code: "process/killed" }, unit: letter.unit });
  build.check = () => undefined;
  rig.deploy(version(renamed), "build-3");
  await rig.process().control(messageOf(again));
  expect(rig.rows("rows")).toMatchObject([{ key: "a", events: 2 }]);
});
