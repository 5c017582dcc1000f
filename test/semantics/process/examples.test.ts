import {
  bigint,
  double,
  eventTime,
  kinesis,
  lake,
  list,
  map,
  pipeline,
  reducing,
  side,
  text,
  timestamp,
  value,
  type Pipeline,
} from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import { record, Rig } from "../../support/rig.ts";

const settings = { disorder: { millis: 10 }, idle: "never", maxFuture: "unbounded" } as const;

/** Folds values in the order given, one batch. */
async function folded(
  of: Pipeline,
  values: readonly { readonly key: string; readonly [field: string]: unknown }[],
): Promise<Rig> {
  const rig = new Rig(of);
  await rig.task().turn({ kind: "records", records: values.map((one, i) => record(i + 1, one, { key: one.key })) });
  return rig;
}

test("a silence detector tells which sensors have been quiet, and since when", async () => {
  const readings = kinesis("readings", {
    schema: z.object({ key: z.string(), at: z.number() }),
    key: { sensor: (r) => r.key },
    eventTime: (r) => r.at,
    ...settings,
  });
  const silences = pipeline("silences", (flow) => {
    flow
      .from(readings)
      .byKey.process("silence", {
        state: { since: value(z.number(), { initial: 0 }) },
        timers: { quiet: eventTime },
        onRecord(_reading, { state, timers, time }) {
          if (time < state.since.get()) return; // an older one says nothing new
          state.since.set(time);
          timers.quiet.after({ millis: 100 });
        },
        *onTimer(_timer, { key, state }) {
          yield { sensor: key.sensor, since: state.since.get() };
        },
      })
      .to(lake("silent", { sensor: text, since: timestamp }));
  });
  const rig = await folded(silences, [
    { key: "a", at: 0 },
    { key: "b", at: 20 },
    { key: "a", at: 90 },
    { key: "a", at: 85 },
    { key: "c", at: 200 },
  ]);
  expect(rig.rows("silent")).toEqual([
    { sensor: "b", since: 20 },
    { sensor: "a", since: 90 },
  ]);
});

test("a running balance is exact beyond 2^53, and an overdraft is a side output", async () => {
  const postings = kinesis("postings", {
    schema: z.object({ key: z.string(), at: z.number(), cents: z.string() }),
    key: { account: (p) => p.key },
    eventTime: (p) => p.at,
    ...settings,
  });
  const balances = pipeline("balances", (flow) => {
    const running = flow.from(postings).byKey.process("balance", {
      state: { cents: reducing(z.bigint(), (a, b) => a + b, { initial: 0n }) },
      sides: { overdrafts: side<{ readonly account: string; readonly cents: bigint }>() },
      *onRecord(posting, { key, state, side: { overdrafts } }) {
        state.cents.add(BigInt(posting.cents));
        const cents = state.cents.get();
        if (cents < 0n) overdrafts({ account: key.account, cents });
        yield { account: key.account, cents };
      },
    });
    running.to(lake("balances", { account: text, cents: bigint }));
    running.side.overdrafts.to(lake("overdrafts", { account: text, cents: bigint }));
  });
  const rig = await folded(balances, [
    { key: "a", at: 1, cents: "9007199254740993" },
    { key: "a", at: 2, cents: "1" },
    { key: "a", at: 3, cents: "-9007199254740995" },
  ]);
  const bodies = (sink: string) => [...rig.sinks.get(sink)!.distinct().values()];
  expect(bodies("balances").map((body) => /"cents":"?(-?\d+)/.exec(body)?.[1])).toEqual([
    "9007199254740993",
    "9007199254740994",
    "-1",
  ]);
  expect(bodies("overdrafts")).toHaveLength(1);
});

const auctionEvent = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("auction"), key: z.string(), at: z.number(), category: z.number(), ends: z.number() }),
  z.object({ kind: z.literal("bid"), key: z.string(), at: z.number(), price: z.number() }),
]);

/** Nexmark's query 4, its first half: the winning bid of each auction, with its category, when the auction has closed. */
const winningBids = pipeline("winning-bids", (flow) => {
  const events = kinesis("events", {
    schema: auctionEvent,
    key: { auction: (e) => e.key },
    eventTime: (e) => e.at,
    ...settings,
  });
  flow
    .from(events)
    .byKey.process("closing", {
      state: {
        auction: value(z.object({ category: z.number(), opens: z.number(), ends: z.number() })),
        best: reducing(z.number(), Math.max),
        early: list(z.object({ at: z.number(), price: z.number() })),
      },
      timers: { closes: eventTime },
      onRecord(event, { state, timers }) {
        const auction = state.auction.get();
        if (event.kind === "auction") {
          state.auction.set({ category: event.category, opens: event.at, ends: event.ends });
          for (const { at, price } of state.early.get()) if (at >= event.at && at <= event.ends) state.best.add(price);
          state.early.clear();
          timers.closes.set(event.ends);
        } else if (auction === undefined) {
          state.early.append({ at: event.at, price: event.price });
        } else if (event.at >= auction.opens && event.at <= auction.ends) {
          state.best.add(event.price);
        }
      },
      *onTimer(_closes, { key, state }) {
        const price = state.best.get();
        const category = state.auction.get()!.category;
        state.auction.clear();
        state.best.clear();
        if (price !== undefined) yield { auction: key.auction, category, price };
      },
    })
    .to(lake("winners", { auction: text, category: bigint, price: double }));
});

test("an auction closes with its best bid, bids before and after it in the stream included, and leaves nothing behind", async () => {
  const rig = await folded(winningBids, [
    { kind: "bid", key: "x", at: 12, price: 7 },
    { kind: "auction", key: "x", at: 10, category: 1, ends: 100 },
    { kind: "bid", key: "x", at: 101, price: 99 },
    { kind: "bid", key: "x", at: 50, price: 5 },
    { kind: "auction", key: "y", at: 60, category: 2, ends: 90 },
    { kind: "auction", key: "z", at: 61, category: 2, ends: 95 },
    { kind: "bid", key: "z", at: 70, price: 3 },
    { kind: "bid", key: "never-opened", at: 120, price: 1 },
  ]);
  expect(rig.rows("winners")).toEqual([
    { auction: "z", category: 2, price: 3 },
    { auction: "x", category: 1, price: 7 },
  ]);
});

test("a map keeps an order's lines apart; what is given out is frozen, and a change in place is a dead letter", async () => {
  const lines = kinesis("lines", {
    schema: z.object({ key: z.string(), at: z.number(), article: z.number(), spoil: z.boolean().default(false) }),
    key: { order: (l) => l.key },
    eventTime: (l) => l.at,
    ...settings,
  });
  const orders = pipeline("orders", (flow) => {
    flow
      .from(lines)
      .byKey.process("order", {
        state: { articles: map(z.number(), z.object({ times: z.array(z.number()) })) },
        *onRecord(line, { key, state, time }) {
          const known = state.articles.get(line.article);
          if (line.spoil) (known as { times: number[] }).times.push(-1);
          state.articles.set(line.article, { times: [...(known?.times ?? []), time] });
          yield { order: key.order, lines: JSON.stringify(state.articles.entries()) };
        },
      })
      .to(lake("orders", { order: text, lines: text }));
  });
  const rig = await folded(orders, [
    { key: "o", at: 1, article: 2 },
    { key: "o", at: 2, article: 10 },
    { key: "o", at: 3, article: 2, spoil: true },
    { key: "o", at: 4, article: 2 },
  ]);
  expect(rig.rows<{ lines: string }>("orders").map((row) => row.lines)).toEqual([
    '[[2,{"times":[1]}]]',
    '[[10,{"times":[2]}],[2,{"times":[1]}]]',
    '[[10,{"times":[2]}],[2,{"times":[1,4]}]]',
  ]);
  expect(rig.deadLetters()).toMatchObject([
    { operator: "order", reason: { message: expect.stringContaining("not extensible") } },
  ]);
});
