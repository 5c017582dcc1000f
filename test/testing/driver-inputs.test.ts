import { kinesis, lake, map, pipeline, reducing, text, double, eventTime, value } from "millrace";
import { testDriver } from "millrace/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

const at = z.number();
const timed = {
  eventTime: (event: { readonly at: number }) => event.at,
  disorder: { seconds: 0 },
  idle: { minutes: 2 },
} as const;
const bids = kinesis("bids", { schema: z.object({ auction: z.string(), price: z.number(), at }), ...timed });
const auctions = kinesis("auctions", { schema: z.object({ id: z.string(), closes: z.number(), at }), ...timed });
const fees = kinesis("fees", { schema: z.object({ house: z.string(), share: z.number(), at }), ...timed });
const winners = lake("winners", { auction: text, price: double });

/** Bids and auctions meet; what a house takes is known everywhere. */
const selling = pipeline("selling", (flow) => {
  const feeOf = flow.from(fees).broadcast("fee-of", { key: ({ house }) => house });
  const byAuction = flow.from(auctions).keyBy("auctions-by-id", { auction: (auction) => auction.id });
  const winning = flow
    .from(bids)
    .keyBy("bids-by-auction", { auction: (bid) => bid.auction })
    .connect(byAuction)
    .process("winning", {
      state: { best: value(z.number(), { initial: 0 }) },
      operatorState: {
        seen: reducing(z.number(), (a, b) => a + b, { initial: 0 }),
        closing: map(z.string(), z.number()),
      },
      timers: { closing: eventTime },
      broadcast: { feeOf },
      onRecord(bid, { state, operatorState }) {
        operatorState.seen.add(1);
        state.best.set(Math.max(state.best.get(), bid.price));
      },
      onOther(auction, { timers, operatorState }) {
        operatorState.closing.set(auction.id, auction.closes);
        timers.closing.set(auction.closes);
      },
      *onTimer(_timer, { key, state, broadcast }) {
        yield { auction: key.auction, price: state.best.get() * (1 + (broadcast.feeOf.get("Drouot")?.share ?? 0)) };
      },
    });
  winning.to(winners);
  return { winning };
});
const { winning } = selling.handles;

describe("a function of two streams and of one that is broadcast", () => {
  test.each([1, 3])("is driven like any other, with %i shards", (shards) => {
    const driver = testDriver(selling, { start: START, shards, restartEvery: 2 });
    driver.push(fees, { house: "Drouot", share: 0.5, at: START });
    driver.push(auctions, { id: "a", closes: START + MINUTE, at: START });
    driver.push(bids, { auction: "a", price: 4, at: START });
    driver.push(bids, { auction: "a", price: 3, at: START });
    expect(driver.state(winning, { auction: "a" })).toEqual({ best: 4 });
    expect(driver.timers(winning, { auction: "a" })).toEqual({ closing: START + MINUTE });
    driver.drain();
    expect(driver.read(winners)).toEqual([{ auction: "a", price: 6 }]);
  });

  test("operator state is seen shard by shard", () => {
    const driver = testDriver(selling, { start: START, shards: 2 });
    for (const id of ["a", "b", "c", "d", "e", "f"]) {
      driver.push(auctions, { id, closes: START + MINUTE, at: START });
      driver.push(bids, { auction: id, price: 1, at: START });
    }
    const found = driver.operatorState(winning);
    expectTypeOf(found).toEqualTypeOf<
      readonly { readonly seen: number; readonly closing: ReadonlyMap<string, number> }[]
    >();
    expect(found).toHaveLength(2);
    expect(found.reduce((sum, { seen }) => sum + seen, 0)).toBe(6);
    for (const { seen, closing } of found) expect(closing.size).toBe(seen);
    expect(found.flatMap(({ closing }) => [...closing.keys()]).sort()).toEqual(["a", "b", "c", "d", "e", "f"]);
  });

  test("X12: what was never written holds back for a minute and its source's time-out", () => {
    const driver = testDriver(selling, { start: START });
    driver.push(auctions, { id: "a", closes: START + MINUTE, at: START });
    driver.push(bids, { auction: "a", price: 4, at: START });
    driver.advanceTime({ seconds: 179 });
    expect(driver.read(winners)).toEqual([]);
    driver.advanceTime({ minutes: 3 });
    expect(driver.read(winners)).toEqual([{ auction: "a", price: 4 }]);
  });
});
