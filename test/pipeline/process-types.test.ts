import {
  double,
  eventTime,
  kinesis,
  lake,
  list,
  map,
  pipeline,
  processingTime,
  reducing,
  side,
  text,
  timestamp,
  value,
  type Keyed,
  type Stream,
} from "millrace";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";

const payment = z.object({ card: z.string(), at: z.number(), amount: z.number() });
type Payment = z.infer<typeof payment>;
interface Key {
  readonly card: string;
}
const payments = kinesis("payments", {
  schema: payment,
  key: { card: (p) => p.card },
  eventTime: (p) => p.at,
  disorder: { minutes: 1 },
});
const cards = lake("cards", { card: text, total: double });

const keyed = (use: (stream: Keyed<Payment, Key>) => void) => () =>
  pipeline("p", (flow) => use(flow.from(payments).byKey));

test("operator state is typed as state is, and stands beside it", () => {
  keyed((stream) => {
    const processed = stream.process("all", {
      state: { own: value(z.number()) },
      operatorState: {
        cents: reducing(z.bigint(), (a, b) => a + b, { initial: 0n }),
        most: value(z.number(), { unite: Math.max }),
      },
      *onRecord(_payment, { state, operatorState }) {
        expectTypeOf(operatorState.cents.get()).toEqualTypeOf<bigint>();
        expectTypeOf(operatorState.most.get()).toEqualTypeOf<number | undefined>();
        expectTypeOf(state.own.get()).toEqualTypeOf<number | undefined>();
        // @ts-expect-error: a key's state is not the task's.
        void operatorState.own;
        yield { cents: operatorState.cents.get() };
      },
    });
    expectTypeOf(processed).toExtend<Stream<{ cents: bigint }, Key>>();
  });
});

test("state, timers, side outputs and rows are typed by what is declared", () => {
  keyed((stream) => {
    const processed = stream.process("all", {
      state: {
        last: value(payment),
        count: value(z.number(), { initial: 0 }),
        recent: list(z.object({ at: z.number(), tags: z.array(z.string()) }), { ttl: { hours: 1 } }),
        byShop: map(z.string(), z.number()),
        total: reducing(z.bigint(), (a, b) => a + b, { initial: 0n }),
      },
      timers: { quiet: eventTime, giveUp: processingTime },
      sides: { alerts: side<{ readonly card: string; readonly why: string }>() },
      *onRecord(record, context) {
        expectTypeOf(record).toEqualTypeOf<Payment>();
        expectTypeOf(context.key).toEqualTypeOf<{ readonly card: string }>();
        const { state, timers, side: sides } = context;
        expectTypeOf(state.last.get()).toEqualTypeOf<
          { readonly card: string; readonly at: number; readonly amount: number } | undefined
        >();
        expectTypeOf(state.count.get()).toEqualTypeOf<number>();
        expectTypeOf(state.recent.get()).toEqualTypeOf<
          readonly { readonly at: number; readonly tags: readonly string[] }[]
        >();
        expectTypeOf(state.byShop.get("x")).toEqualTypeOf<number | undefined>();
        expectTypeOf(state.byShop.entries()).toEqualTypeOf<readonly (readonly [string, number])[]>();
        expectTypeOf(state.total.get()).toEqualTypeOf<bigint>();
        state.last.set(record);
        timers.quiet.set(context.time + 1);
        timers.giveUp.after({ seconds: 10 });
        sides.alerts({ card: record.card, why: "big" });
        yield { card: record.card, total: record.amount };
      },
      *onTimer(timer, { state }) {
        expectTypeOf(timer).toEqualTypeOf<"quiet" | "giveUp">();
        yield { card: "c", total: state.count.get() };
      },
    });
    expectTypeOf(processed.side.alerts).toExtend<
      Stream<{ readonly card: string; readonly why: string }, { readonly card: string }>
    >();
    processed.to(cards);
    processed.side.alerts.to(lake("alerts", { card: text, why: text }));
    processed.byKey
      .process("next", {
        *onRecord(row) {
          expectTypeOf(row).toEqualTypeOf<{ card: string; total: number }>();
          yield { at: row.total };
        },
      })
      .to(lake("next_rows", { at: timestamp }));
  })();
});

test("rows of records and of timers may differ; what is never yielded is no row", () => {
  keyed((stream) => {
    const both = stream.process("both", {
      timers: { quiet: eventTime },
      *onRecord(record) {
        yield { kind: "seen" as const, card: record.card };
      },
      *onTimer() {
        yield { kind: "silent" as const };
      },
    });
    both
      .map("kinds", (row) => {
        expectTypeOf(row.kind).toEqualTypeOf<"seen" | "silent">();
        return { kind: row.kind };
      })
      .to(lake("kinds_rows", { kind: text }));
    const none = stream.process("none", {
      sides: { cards: side<Key>() },
      onRecord: (p, { side: { cards } }) => cards({ card: p.card }),
    });
    none.side.cards.to(lake("sides", { card: text }));
    expectTypeOf(none).toExtend<Stream<never, { readonly card: string }>>();
    stream.process("array", { onRecord: (p) => [{ card: p.card, total: p.amount }] }).to(cards);
  })();
});

/* eslint-disable @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access,
   @typescript-eslint/no-unused-expressions, @typescript-eslint/no-misused-promises -- what does not compile has no type */
test("wrong uses do not compile", () => {
  const use = (stream: Keyed<Payment, Key>) => {
    stream.process("wrong", {
      state: {
        count: value(z.number(), { initial: 0 }),
        tags: value(z.array(z.string())),
        names: map(z.string(), z.number()),
      },
      timers: { quiet: eventTime },
      sides: { alerts: side<Key>() },
      onRecord(_record, { state, timers, side: sides, key }) {
        // @ts-expect-error -- a number's state takes no text
        state.count.set("1");
        // @ts-expect-error -- no such state
        state.counts.get();
        // @ts-expect-error -- what state gives out is not changed in place
        state.tags.get()?.push("x");
        // @ts-expect-error -- the map's keys are text
        state.names.set(1, 1);
        // @ts-expect-error -- no such timer
        timers.loud.set(1);
        // @ts-expect-error -- no instant
        timers.quiet.set("tomorrow");
        // @ts-expect-error -- no such side output
        sides.alarms({ card: "c" });
        // @ts-expect-error -- the side output's rows have a card
        sides.alerts({ cart: "c" });
        // @ts-expect-error -- the key has no such field
        key.origin.length;
      },
      onTimer(timer) {
        // @ts-expect-error -- there is one timer, and this is not its name
        return timer === "loud" ? [] : [];
      },
    });
    // @ts-expect-error -- the sink wants a field `total`
    stream.process("row", { onRecord: (p) => [{ card: p.card }] }).to(cards);
    // @ts-expect-error -- what this schema gives it does not take: it could not be stored and checked again
    value(z.string().transform((s) => s.length));
    // @ts-expect-error -- an initial value of another type
    value(z.number(), { initial: "0" });
    // @ts-expect-error -- a map's keys are strings, numbers, bigints or booleans
    map(z.object({ a: z.string() }), z.number());
    // @ts-expect-error -- a fold cannot wait: onRecord is synchronous
    stream.process("async", { onRecord: async (p) => [{ card: p.card }] });
  };
  expectTypeOf(use).toBeFunction();
});

/* eslint-enable */
test("what cannot be is refused when the pipeline is built, and the operator is named", () => {
  const cases: [make: () => unknown, message: RegExp][] = [
    [
      keyed((s) => s.process("p1", { state: { "no spaces": value(z.number()) }, onRecord: () => [] })),
      /process\("p1"\).state/,
    ],
    [
      keyed((s) => s.process("p1", { state: { x: 1 as never }, onRecord: () => [] })),
      /process\("p1"\).state has a "x"/,
    ],
    [keyed((s) => s.process("p1", { timers: { x: side() as never }, onRecord: () => [] })), /process\("p1"\).timers/],
    [keyed((s) => s.process("p1", { timers: { x: eventTime }, onRecord: () => [] })), /timer "x" and no onTimer/],
    [keyed((s) => s.process("p1", {} as never)), /process\("p1.onRecord"\) was not given a function/],
    [keyed((s) => s.process("p1", { onRecord: () => [] })), /"p1" leads nowhere/],
    [() => value(z.number(), { initial: Number.NaN }), /value\(\): it has an initial value/],
    [() => value(z.number(), { ttl: {} }), /value\(\).ttl/],
    [() => list({} as never), /list\(\): it was not given a Standard Schema/],
    [() => reducing(z.number(), 1 as never), /reducing\(\): it was not given a function/],
  ];
  for (const [make, message] of cases) {
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ kind: "definition" }));
  }
});
