/**
 * What the events are like. The names of nexmark/nexmark's `NexmarkConfiguration` and Beam's stand beside ours; the
 * defaults are theirs (github.com/nexmark/nexmark; Apache Beam, sdks/java/testing/nexmark).
 */
export interface GeneratorSettings {
  readonly seed: number;
  readonly events: number;
  /** Epoch milliseconds of event 0. @default 2015-07-15T00:00:00Z, Beam's `BASE_TIME` */
  readonly start: number;
  /** Events per second of event time, may be a fraction: `firstEventRate`. @default 10,000 */
  readonly rate: number;
  /**
   * So many events in a row come in another order: `outOfOrderGroupSize`. 1 is in order. No multiple of 953.
   * @default 1
   */
  readonly disorderGroup: number;
  /** Of so many persons, auctions and bids, one after the other, the stream consists. @default 1, 3 and 46 */
  readonly proportions: { readonly person: number; readonly auction: number; readonly bid: number };
  /** One in so many bids is for any auction in flight, the others for a hot one: `hotAuctionRatio`. @default 2 */
  readonly hotAuctionRatio: number;
  /** One in so many auctions is of anyone, the others are of a hot seller: `hotSellersRatio`. @default 4 */
  readonly hotSellersRatio: number;
  /** One in so many bids is by anyone, the others are by a hot bidder: `hotBiddersRatio`. @default 4 */
  readonly hotBiddersRatio: number;
  /** So many of the last auctions may be bid for: `numInFlightAuctions`. @default 100 */
  readonly auctionsInFlight: number;
  /** So many of the last persons are active: `numActivePeople`. @default 1,000 */
  readonly activePeople: number;
  /** Mean sizes in bytes, which `extra` fills up: `avgPersonByteSize` … @default 200, 500 and 100 */
  readonly sizes: { readonly person: number; readonly auction: number; readonly bid: number };
}

export const DEFAULTS: Omit<GeneratorSettings, "seed" | "events"> = {
  start: Date.UTC(2015, 6, 15),
  rate: 10_000,
  disorderGroup: 1,
  proportions: { person: 1, auction: 3, bid: 46 },
  hotAuctionRatio: 2,
  hotSellersRatio: 4,
  hotBiddersRatio: 4,
  auctionsInFlight: 100,
  activePeople: 1_000,
  sizes: { person: 200, auction: 500, bid: 100 },
};

/** Ids begin here, so that queries for certain ids find some even among a few events. */
export const FIRST_PERSON = 1_000;
export const FIRST_AUCTION = 1_000;
export const FIRST_CATEGORY = 10;
export const CATEGORIES = 5;

/** One person in so many, by id, is a hot seller, the next one a hot bidder; one auction in so many is hot. */
export const HOT_EVERY = 100;

/** Auctions and bids may name persons and auctions that come only this many later. */
export const LEAD = 10;

/** Neighbours in a group of disorder are so far apart. A prime, so that every event of a group comes once. */
export const DISORDER_STRIDE = 953;
