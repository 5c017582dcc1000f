import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nexmarkEvents } from "../../bench/nexmark/generator/events.ts";
import { nexmarkEvent, type Auction, type Bid, type Person } from "../../bench/nexmark/generator/schemas.ts";
import { DEFAULTS } from "../../bench/nexmark/generator/settings.ts";

const EVENTS = 100_000;
const all = [...nexmarkEvents({ seed: 1, events: EVENTS })];
const persons = all.filter((event): event is Person => event.type === "person");
const auctions = all.filter((event): event is Auction => event.type === "auction");
const bids = all.filter((event): event is Bid => event.type === "bid");

/** Within five standard deviations of a share's estimate. */
function expectShare(count: number, of: number, share: number): void {
  expect(Math.abs(count / of - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / of));
}

const meanOf = (numbers: readonly number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;

describe("The stream", () => {
  test("is determined by its settings, and another seed makes another one", () => {
    const settings = { seed: 7, events: 500, disorderGroup: 100 };
    expect([...nexmarkEvents(settings)]).toEqual([...nexmarkEvents(settings)]);
    expect([...nexmarkEvents({ ...settings, seed: 8 })]).not.toEqual([...nexmarkEvents(settings)]);
  });

  test("begins the same however many events are asked for", () => {
    expect([...nexmarkEvents({ seed: 1, events: 200 })]).toEqual(all.slice(0, 200));
  });

  test("makes what fits the schemas", () => {
    for (const event of all.slice(0, 5_000)) expect(nexmarkEvent.parse(event)).toEqual(event);
  });

  test("has a person, 3 auctions and 46 bids among every 50 events", () => {
    for (let i = 0; i < EVENTS; i += 50) {
      const kinds = all.slice(i, i + 50).map(({ type }) => type);
      expect(kinds).toEqual(["person", ...Array<string>(3).fill("auction"), ...Array<string>(46).fill("bid")]);
    }
  });

  test("has 10,000 events in a second of event time, evenly", () => {
    expect(all.every(({ dateTime }, i) => dateTime === DEFAULTS.start + Math.floor(i / 10))).toBe(true);
    expect(DEFAULTS.start).toBe(Date.parse("2015-07-15T00:00:00.000Z"));
    const slow = [...nexmarkEvents({ seed: 1, events: 10, rate: 0.5 })];
    expect(slow.map(({ dateTime }) => dateTime - DEFAULTS.start)).toEqual([...Array(10).keys()].map((i) => i * 2_000));
  });

  test("comes in another order within groups of the disorder's size, and nothing else of it changes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 1_200 }), fc.integer({ min: 1, max: 3 }), (group, groups) => {
        fc.pre(group % 953 !== 0);
        const events = group * groups;
        const ordered = [...nexmarkEvents({ seed: 3, events, rate: 1_000 })];
        const disordered = [...nexmarkEvents({ seed: 3, events, rate: 1_000, disorderGroup: group })];
        for (let i = 0; i < events; i += group) {
          const sorted = disordered.slice(i, i + group).sort((a, b) => a.dateTime - b.dateTime);
          expect(sorted).toEqual(ordered.slice(i, i + group));
        }
        let latest = 0;
        for (const { dateTime } of disordered) {
          if (dateTime <= latest - group) expect.fail(`${dateTime} comes after ${latest}`);
          latest = Math.max(latest, dateTime);
        }
      }),
      { numRuns: 20 },
    );
    expect([...nexmarkEvents({ seed: 3, events: 1_000, disorderGroup: 1_000 })]).not.toEqual(all.slice(0, 1_000));
  });

  test("refuses settings of which no stream can be made", () => {
    for (const wrong of [{ rate: 0 }, { rate: Number.NaN }, { disorderGroup: 0 }, { disorderGroup: 1_906 }]) {
      expect(() => nexmarkEvents({ seed: 1, events: 1, ...wrong })).toThrow(RangeError);
    }
  });
});

describe("Persons and auctions", () => {
  test("are numbered from 1000 on", () => {
    expect(persons.map(({ id }) => id)).toEqual(persons.map((_, i) => 1_000 + i));
    expect(auctions.map(({ id }) => id)).toEqual(auctions.map((_, i) => 1_000 + i));
  });

  test("an auction is open for as long as 100 auctions take to come on the average, and at most for twice as long", () => {
    const open = auctions.map(({ dateTime, expires }) => expires - dateTime);
    const horizon = 1_666 / 10;
    expect(Math.min(...open)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...open)).toBeLessThanOrEqual(2 * horizon + 2);
    expect(Math.abs(meanOf(open) - horizon)).toBeLessThan(5);
  });

  test("there are five categories from 10 on, and six states", () => {
    for (const category of [10, 11, 12, 13, 14]) {
      expectShare(auctions.filter((auction) => auction.category === category).length, auctions.length, 1 / 5);
    }
    expect(new Set(persons.map(({ state }) => state))).toEqual(new Set(["AZ", "CA", "ID", "OR", "WA", "WY"]));
    expect(new Set(persons.map(({ city }) => city)).size).toBe(10);
  });

  test("three of four auctions are of a hot seller: the latest person whose number is a multiple of 100", () => {
    const hot = (auction: Auction) => {
      const count = Math.floor((auction.id - 1_000) / 3) + 1;
      return auction.seller === 1_000 + Math.floor((count - 1) / 100) * 100;
    };
    const share = 3 / 4 + 1 / 4 / 1_010;
    const later = auctions.slice(3_000); // with 1,000 active persons
    expectShare(later.filter(hot).length, later.length, share);
  });

  test("sellers are among the last 1,000 persons and the next ten", () => {
    for (const { id, seller } of auctions) {
      const count = Math.floor((id - 1_000) / 3) + 1;
      const isHot = (seller - 1_000) % 100 === 0;
      if (!isHot) expect(seller - 1_000).toBeGreaterThanOrEqual(count - 1_000);
      expect(seller - 1_000).toBeLessThan(count + 10);
    }
  });
});

describe("Bids", () => {
  const numbered = all.flatMap((event, i) =>
    event.type === "bid" ? [{ bid: event, period: Math.floor(i / 50) }] : [],
  );

  test("half are for a hot auction: the latest whose number is a multiple of 100", () => {
    const later = numbered.filter(({ period }) => period >= 100);
    const hot = later.filter(({ bid, period }) => bid.auction - 1_000 === Math.floor((period * 3 + 2) / 100) * 100);
    // Of the 111 that may be bid for, the hot one is among the last hundred always.
    expectShare(hot.length, later.length, 1 / 2 + 1 / 2 / 111);
  });

  test("the others are for one of the last hundred auctions, or of the next ten", () => {
    const isHot = ({ auction }: Bid) => auction % 100 === 0;
    const outside = numbered.filter(({ bid, period }) => {
      const [auction, last] = [bid.auction - 1_000, period * 3 + 2];
      return !isHot(bid) && (auction < Math.max(0, last - 100) || auction > last + 10);
    });
    expect(outside).toEqual([]);
  });

  test("three of four are by a hot bidder: the one after the hot seller", () => {
    const later = numbered.filter(({ period }) => period >= 1_000);
    const hot = later.filter(({ bid, period }) => bid.bidder - 1_000 === Math.floor(period / 100) * 100 + 1);
    expectShare(hot.length, later.length, 3 / 4 + 1 / 4 / 1_010);
    const outside = numbered.filter(({ bid, period }) => {
      const [bidder, count] = [bid.bidder - 1_000, period + 1];
      return bidder < Math.max(0, count - 1_000) || bidder >= count + 10;
    });
    expect(outside).toEqual([]);
  });

  test("prices are log-uniform from 1 to 1,000,000 dollars, in cents", () => {
    for (const power of [1, 2, 3, 4, 5]) {
      expectShare(bids.filter(({ price }) => price < 100 * 10 ** power).length, bids.length, power / 6);
    }
    const prices = bids.map(({ price }) => price);
    expect(prices.reduce((a, b) => Math.min(a, b))).toBeGreaterThanOrEqual(100);
    expect(prices.reduce((a, b) => Math.max(a, b))).toBeLessThanOrEqual(100_000_000);
  });

  test("half come from four hot channels, the others from ten thousand, of which nine in ten say their id", () => {
    for (const channel of ["Google", "Facebook", "Baidu", "Apple"]) {
      const of = bids.filter((bid) => bid.channel === channel);
      expectShare(of.length, bids.length, 1 / 8);
      expect(new Set(of.map(({ url }) => url)).size).toBe(1);
    }
    const others = bids.filter(({ channel }) => /^channel-\d+$/.test(channel));
    expectShare(others.length, bids.length, 1 / 2);
    const addresses = new Map(others.map(({ channel, url }) => [channel, url]));
    expect(addresses.size).toBeGreaterThan(9_500); // of 10,000, each drawn 4.6 times on the average
    const withId = [...addresses.values()].filter((url) => /&channel_id=\d+$/.test(url));
    expectShare(withId.length, addresses.size, 9 / 10);
    for (const { url } of bids.slice(0, 1_000)) {
      expect(url).toMatch(/^https:\/\/www\.nexmark\.com\/([a-z_]{3,4}\/){3}item\.htm\?query=1(&channel_id=\d+)?$/);
    }
  });
});

test("events take 200, 500 and 100 bytes on the average, as numbers take eight", () => {
  const bytes = (event: object, without: readonly string[]) =>
    Object.entries(event).reduce(
      (sum, [name, value]) => sum + (without.includes(name) ? 0 : typeof value === "string" ? value.length : 8),
      0,
    );
  const mean = (events: readonly object[], ...without: string[]) =>
    meanOf(events.map((event) => bytes(event, ["type", ...without])));
  // Some fields are not counted in the published sizes.
  expect(Math.abs(mean(persons, "dateTime") - 200)).toBeLessThan(2);
  expect(Math.abs(mean(auctions, "reserve") - 500)).toBeLessThan(4);
  expect(Math.abs(mean(bids, "channel", "url") - 100)).toBeLessThan(1);
});
