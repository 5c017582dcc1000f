import {
  eventTime,
  lake,
  list,
  map,
  nullable,
  pipeline,
  processingTime,
  double,
  reducing,
  text,
  value,
  type Pipeline,
} from "millrace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { deployings, firstOf, runDeploying } from "./deploying.ts";
import { eventsOf } from "./events.ts";

const event = z.object({ key: z.string(), time: z.number(), n: z.number(), tag: z.string() });
type Event = z.infer<typeof event>;

const source = eventsOf(event, 5);
const rows = lake("rows", {
  key: text,
  count: double,
  seen: text,
  tags: nullable(text),
  sum: double,
  since: nullable(double),
});

/** After all that has a time. */
const FAR = 1_000_000;

const first: Pipeline = pipeline("changing", (flow) => {
  flow
    .from(source)
    .byKey.process("counted", {
      state: {
        count: value(z.number(), { initial: 0 }),
        seen: list(z.number(), { ttl: { millis: 40 } }),
        tags: map(z.string(), z.number()),
        sum: reducing(z.number(), (a, b) => a + b, { initial: 0 }),
        old: list(z.string(), { ttl: { millis: 10 } }),
      },
      timers: { quiet: eventTime, gone: eventTime, turned: eventTime },
      onRecord({ n, tag }, { state, timers, time }) {
        state.count.set(state.count.get() + 1);
        state.seen.append(n);
        state.tags.set(tag, (state.tags.get(tag) ?? 0) + 1);
        state.sum.add(n);
        state.old.append(tag);
        timers.quiet.set(time + 15);
        timers.gone.set(FAR);
        timers.turned.set(FAR);
      },
      *onTimer(timer, { key, state }) {
        if (timer !== "quiet") throw new Error("it was taken out");
        const tags = state.tags.entries().map(([tag, n]) => `${tag}${n}`);
        const seen = state.seen.get().join(" ");
        yield { key: key.key, count: state.count.get(), seen, tags: tags.join(" "), sum: state.sum.get() };
      },
    })
    .to(rows as never);
});

/** A value, the elements of a list, a map's values and what was reduced have other forms; and the operator another name. */
const second: Pipeline = pipeline("changing", (flow) => {
  flow
    .from(source)
    .byKey.process("tallied", {
      was: ["counted"],
      version: 2,
      migrate: { 1: { removed: ["old", "timers.gone", "timers.turned"] } },
      state: {
        since: value(z.number(), { initial: 0 }),
        sum: reducing(z.object({ of: z.number() }), (a, b) => ({ of: a.of + b.of }), {
          initial: { of: 0 },
          version: 2,
          migrate: { 1: (sum: number) => ({ of: sum }) },
        }),
        tags: map(z.string(), z.bigint(), { version: 2, migrate: { 1: (n: number) => BigInt(n) } }),
        seen: list(z.object({ n: z.number() }), {
          ttl: { millis: 40 },
          version: 2,
          migrate: { 1: (n: number) => ({ n }) },
        }),
        count: value(z.object({ count: z.number() }), {
          initial: { count: 0 },
          version: 2,
          migrate: { 1: (count: number) => ({ count }) },
        }),
      },
      // One of the name, and of the other kind of time: what was set of the old one does not fire.
      timers: { turned: processingTime, quiet: eventTime },
      onRecord({ n, tag }, { state, timers, time }) {
        state.count.set({ count: state.count.get().count + 1 });
        state.seen.append({ n });
        state.tags.set(tag, (state.tags.get(tag) ?? 0n) + 1n);
        state.sum.add({ of: n });
        state.since.set(state.since.get() + 1);
        timers.quiet.set(time + 15);
      },
      *onTimer(timer, { key, state }) {
        if (timer !== "quiet") throw new Error("it was taken out");
        const tags = state.tags.entries().map(([tag, n]) => `${tag}${n}`);
        const seen = state.seen
          .get()
          .map(({ n }) => n)
          .join(" ");
        yield {
          key: key.key,
          count: state.count.get().count,
          seen,
          tags: tags.join(" "),
          sum: state.sum.get().of,
          since: state.since.get(),
        };
      },
    })
    .to(rows as never);
});

/** The map is taken out; the value has a third form. */
const third: Pipeline = pipeline("changing", (flow) => {
  flow
    .from(source)
    .byKey.process("tallied", {
      was: ["counted"],
      version: 3,
      migrate: { 1: { removed: ["old", "timers.gone", "timers.turned"] }, 2: { removed: ["tags", "timers.turned"] } },
      state: {
        count: value(z.string(), {
          initial: "",
          version: 3,
          migrate: {
            1: (count: number) => ({ count }),
            2: ({ count }: { count: number }) => "|".repeat(count),
          },
        }),
        seen: list(z.object({ n: z.number() }), {
          ttl: { millis: 40 },
          version: 2,
          migrate: { 1: (n: number) => ({ n }) },
        }),
        sum: reducing(z.object({ of: z.number() }), (a, b) => ({ of: a.of + b.of }), {
          initial: { of: 0 },
          version: 2,
          migrate: { 1: (sum: number) => ({ of: sum }) },
        }),
        since: value(z.number(), { initial: 0 }),
      },
      timers: { quiet: eventTime },
      onRecord({ n }, { state, timers, time }) {
        state.count.set(`${state.count.get()}|`);
        state.seen.append({ n });
        state.sum.add({ of: n });
        state.since.set(state.since.get() + 1);
        timers.quiet.set(time + 15);
      },
      *onTimer(_timer, { key, state }) {
        const seen = state.seen.get().map(({ n }) => n);
        yield {
          key: key.key,
          count: state.count.get().length,
          seen: seen.join(" "),
          sum: state.sum.get().of,
          since: state.since.get(),
        };
      },
    })
    .to(rows as never);
});

/** One version that has been there all along. */
const oracle = (since: number): Pipeline =>
  pipeline("changing", (flow) => {
    flow
      .from(source)
      .byKey.process("counted", {
        state: {
          all: list(z.object({ n: z.number(), tag: z.string() })),
          seen: list(z.number(), { ttl: { millis: 40 } }),
        },
        timers: { quiet: eventTime },
        onRecord({ n, tag }, { state, timers, time }) {
          state.all.append({ n, tag });
          state.seen.append(n);
          timers.quiet.set(time + 15);
        },
        *onTimer(_timer, { key, state }) {
          const all = state.all.get();
          const tags = [...new Set(all.map(({ tag }) => tag))].sort();
          const shown = tags.map((tag) => `${tag}${all.filter((each) => each.tag === tag).length}`);
          const seen = state.seen.get().join(" ");
          const sum = all.reduce((total, { n }) => total + n, 0);
          const later = all.filter(({ n }) => n >= since).length;
          yield { key: key.key, count: all.length, seen, tags: shown.join(" "), sum, since: later };
        },
      })
      .to(rows as never);
  });

const events = fc
  .array(
    fc.record({
      key: fc.constantFrom(..."abcdef"),
      time: fc.nat(60),
      tag: fc.constantFrom("x", "y"),
    }),
    { minLength: 1, maxLength: 50 },
  )
  .map((all) => all.map((each, i): Event => ({ ...each, n: i, time: each.time + i })));

const withoutNulls = (row: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));

test("values, lists, maps, what is reduced, and timers, over versions that each change, add and take out some", async () => {
  await fc.assert(
    fc.asyncProperty(events, deployings(3), async (input, deploying) => {
      const { sent, rig } = await runDeploying([first, second, third], input, deploying);
      const expected = oracle(firstOf(1, deploying, input.length));
      const { sent: all } = await runDeploying([expected, expected, expected], input, deploying);
      const shown = new Map(
        [...all].map(([id, { version, row, ...rest }]) => {
          const { since, tags, ...others } = row;
          return [
            id,
            { ...rest, version, row: { ...others, ...(version > 0 && { since }), ...(version < 2 && { tags }) } },
          ] as const;
        }),
      );
      expect(new Map([...sent].map(([id, each]) => [id, { ...each, row: withoutNulls(each.row) }]))).toEqual(shown);
      expect(rig.deadLetters()).toEqual([]);
    }),
    { numRuns: 80 },
  );
});
