import {
  bigint,
  count,
  double,
  eventTime,
  explain,
  kinesis,
  lake,
  pipeline,
  reducing,
  text,
  timestamp,
  tumbling,
  value,
  type Keyed,
  type Pipeline,
} from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { planStages } from "../../lib/plan/stage.ts";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import { Draws } from "../../lib/testing/simulation/draws.ts";
import { dying, reshard } from "../support/schedules.ts";

const bid = z.object({ kind: z.literal("bid"), auction: z.string(), price: z.number(), at: z.number() });
const auction = z.object({ kind: z.literal("auction"), id: z.string(), closes: z.number(), at: z.number() });
type Bid = z.infer<typeof bid>;
type Auction = z.infer<typeof auction>;

const timed = { eventTime: (event: { readonly at: number }) => event.at, disorder: { seconds: 30 } } as const;
const bids = kinesis("bids", { schema: bid, ...timed });
const auctions = kinesis("auctions", { schema: auction, ...timed });
const both = kinesis("both", { schema: z.union([bid, auction]), ...timed });
const winners = lake("winners", { auction: text, bids: double, price: double });

interface Key {
  readonly auction: string;
}

const winning = (bidsByAuction: Keyed<Bid, Key>, auctionsById: Keyed<Auction, Key>) =>
  bidsByAuction.connect(auctionsById).process("winning", {
    state: {
      best: value(z.number(), { initial: 0 }),
      bids: reducing(z.number(), (a, b) => a + b, { initial: 0 }),
    },
    timers: { closing: eventTime },
    onRecord({ price }, { state }) {
      state.best.set(Math.max(state.best.get(), price));
      state.bids.add(1);
    },
    onOther({ closes }, { timers }) {
      timers.closing.set(closes);
    },
    *onTimer(_timer, { key, state }) {
      yield { auction: key.auction, bids: state.bids.get(), price: state.best.get() };
    },
  });

/** Two sources, one of them through a stage in between; a window beside the function; rows that go on by their key. */
const apart = pipeline("apart", (flow) => {
  const bidsByAuction = flow.from(bids).keyBy("bids-by-auction", { auction: (one) => one.auction });
  const auctionsById = flow
    .from(auctions)
    .keyBy("once-each", { id: (one) => one.id })
    .deduplicate("once", { id: (one) => one.closes, within: { hours: 1 } })
    .keyBy("auctions-by-id", { auction: (one) => one.id });
  auctionsById
    .window("minutes", tumbling({ minutes: 1 }))
    .aggregate({ auctions: count() })
    .to(lake("opened", { auction: text, windowStart: timestamp, windowEnd: timestamp, auctions: bigint }));
  winning(bidsByAuction, auctionsById)
    .byKey.deduplicate("one-row", { id: (row) => row.auction, within: { hours: 1 } })
    .to(winners);
});

/** Both from one source, and from it alone. */
const together = pipeline("together", (flow) => {
  const all = flow.from(both);
  const bidsOnly = all.filter("bids-only", (one): one is Bid => one.kind === "bid");
  const auctionsOnly = all.filter("auctions-only", (one): one is Auction => one.kind === "auction");
  winning(
    bidsOnly.keyBy("bids-by-auction", { auction: (one) => one.auction }),
    auctionsOnly.keyBy("auctions-by-id", { auction: (one) => one.id }),
  ).to(winners);
});

interface Row {
  readonly auction: string;
  readonly bids: number;
  readonly price: number;
}

const textOf = ({ auction: id, bids: n, price }: Row): string => `${id} ${n} ${price}`;

type Drawing = ReturnType<Draws["stream"]>;

/** Auctions over ten minutes, and bids before they close; each up to half a minute behind the one before. */
function someEvents(draws: Drawing, length: number): (Bid | Auction)[] {
  const open: Auction[] = [];
  return Array.from({ length }, (_, i) => {
    const now = 1_000_000 + Math.round((i * 600_000) / length);
    const at = now - draws.between(0, 29_999);
    const live = open.filter(({ closes }) => closes > at);
    if (live.length === 0 || draws.chance(0.15)) {
      const opened: Auction = { kind: "auction", id: `auction ${i}`, closes: at + draws.between(1, 200_000), at };
      open.push(opened);
      return opened;
    }
    return { kind: "bid", auction: draws.pick(live).id, price: draws.between(1, 100), at };
  });
}

/** What a batch job would say. */
function expected(all: readonly (Bid | Auction)[]): string[] {
  const rows = new Map<string, { bids: number; price: number }>();
  for (const one of all) if (one.kind === "auction") rows.set(one.id, { bids: 0, price: 0 });
  for (const one of all) {
    if (one.kind !== "bid") continue;
    const row = rows.get(one.auction)!;
    row.bids++;
    row.price = Math.max(row.price, one.price);
  }
  return [...rows].map(([id, row]) => textOf({ auction: id, ...row })).sort();
}

const OPTIONS = { shards: 2, internalShards: 2, batchSize: 20, start: 2_000_000 };

describe.each([
  ["of two sources, one through a stage in between", apart, ["bids", "auctions", "once-each", "bids-by-auction"]],
  ["of one source", together, ["both", "bids-by-auction"]],
] as const)("streams %s meet in one stage", (_name, connected: Pipeline, stages) => {
  const put = (run: MemoryPipeline, one: Bid | Auction, draws: Drawing) => {
    const source = connected === together ? "both" : `${one.kind}s`;
    run.put(source, one, `random ${draws.between(0, 1e9)}`);
  };

  test("whose name is the first keyBy's", () => {
    expect(planStages(connected).map(({ name }) => name)).toEqual(stages);
  });

  test.each(Array.from({ length: 10 }, (_, seed) => seed))(
    "X1-X5, X8: exactly once, while shards are split and merged and processes die, seed %i",
    async (seed) => {
      const draws = new Draws(seed).stream("auctions");
      const all = someEvents(draws, 300);
      const run = new MemoryPipeline(connected, { ...OPTIONS, gateOf: () => dying(draws, 0.04) });
      for (const [i, one] of all.entries()) {
        put(run, one, draws);
        if (i % 40 !== 39) continue;
        if (draws.chance(0.7)) await run.run();
        reshard(run.stage(draws.pick(stages)).stream, draws);
        if (draws.chance(0.5)) await run.run();
      }
      await run.drain();
      expect(run.rows<Row>("winners").map(textOf).sort()).toEqual(expected(all));
      expect(run.delivered.get("$dead-letters") ?? []).toEqual([]);
    },
  );
});

test("what else follows either keyBy is in the stage too", () => {
  const [stage] = planStages(apart).slice(-1);
  const names = stage!.nodes.map((node) => apart.nodes[node]!.name);
  expect(names).toEqual([
    ...["bids-by-auction", "auctions-by-id", "minutes", "opened"],
    ...["winning", "one-row", "winners"],
  ]);
  expect(stage!.input).toMatchObject({ kind: "shuffle", name: "bids-by-auction", producers: ["bids", "once-each"] });
});

test("windows beside the function have all of their records", async () => {
  const run = new MemoryPipeline(apart, OPTIONS);
  const draws = new Draws(1).stream("auctions");
  const all = someEvents(draws, 200);
  for (const one of all) run.put(`${one.kind}s`, one, `random ${draws.between(0, 1e9)}`);
  await run.drain();
  const opened = run.rows<{ auctions: number }>("opened").reduce((sum, { auctions: n }) => sum + n, 0);
  expect(opened).toBe(all.filter(({ kind }) => kind === "auction").length);
});

test("a plan says where two keyBys lead into one stage", () => {
  const lines = explain(apart).split("\n");
  expect(lines).toContain(
    "stage bids-by-auction: reads the internal stream bids-by-auction, which bids and once-each write to, through keyBy bids-by-auction and keyBy auctions-by-id",
  );
  expect(lines).toContain("  keyBy auctions-by-id: a shuffle to stage bids-by-auction, after once");
  expect(lines).toContain("  process winning: state per auction, after bids-by-auction and auctions-by-id");
});

describe("refused when built", () => {
  const connecting = (other: (bidsByAuction: Keyed<Bid, Key>) => unknown) => () =>
    pipeline("p", (flow) => {
      const keyed = flow.from(bids).keyBy("bids-by-auction", { auction: (one) => one.auction });
      winning(keyed, other(keyed) as never).to(winners);
    });
  test("a stream with another key", () => {
    expect(() =>
      pipeline("p", (flow) => {
        const keyed = flow.from(bids).keyBy("bids-by-auction", { auction: (one) => one.auction });
        winning(keyed, flow.from(auctions).keyBy("by-name", { name: (one) => one.id }) as never).to(winners);
      }),
    ).toThrow(/process\("winning"\) connects streams by \(auction\) and by \(name\).*same order/s);
  });

  test("a source by the key it has", () => {
    const byId = kinesis("auctions", { schema: auction, key: { auction: (one) => one.id }, ...timed });
    expect(() =>
      pipeline("p", (flow) => {
        const keyed = flow.from(bids).keyBy("bids-by-auction", { auction: (one) => one.auction });
        winning(keyed, flow.from(byId).byKey).to(winners);
      }),
    ).toThrow(/process\("winning"\) connects the partitions of the source "auctions" with others.*Use keyBy/s);
  });

  test("the stream itself, and what is none", () => {
    expect(connecting((keyed) => keyed)).toThrow(/process\("winning"\) is connected with the stream itself/);
    expect(connecting(() => undefined)).toThrow(/process\("winning"\) is connected with what is no keyed stream/);
  });

  test("a stream that comes from the other", () => {
    const back = (keyed: Keyed<Bid, Key>) =>
      keyed
        .deduplicate("seen", { id: (one) => one.price, within: { hours: 1 } })
        .map("as-auction", ({ auction: id, at }): Auction => ({ kind: "auction", id, closes: at, at }))
        .keyBy("back", { auction: (one) => one.id });
    expect(connecting(back)).toThrow(
      /process\("winning"\) would have the stage "bids-by-auction" read what it sends itself/,
    );
  });
});

test("other keys, and functions that do not fit, do not compile", () => {
  const build = () =>
    pipeline("p", (flow) => {
      const keyed = flow.from(bids).keyBy("bids-by-auction", { auction: (one) => one.auction });
      // @ts-expect-error another field
      keyed.connect(flow.from(auctions).keyBy("by-id", { id: (one) => one.id }));
      // @ts-expect-error another type
      keyed.connect(flow.from(auctions).keyBy("by-time", { auction: (one) => one.at }));
      const connected = keyed.connect(flow.from(auctions).keyBy("auctions-by-id", { auction: (one) => one.id }));
      // @ts-expect-error nothing for the other stream
      connected.process("half", { onRecord: () => [] });
      // @ts-expect-error an auction has no price
      connected.process("wrong", { onRecord: () => [], onOther: ({ price }) => [{ price }] });
    });
  expect(build).toThrow();
});
