import { bigint, count, filtered, sum } from "millrace";

/** The ranks of price that queries 15 to 17 tell apart: below 100 dollars, below 10,000, and from there on. */
const isRank1 = (price: number): boolean => price < 10_000;
const isRank2 = (price: number): boolean => price >= 10_000 && price < 1_000_000;
const isRank3 = (price: number): boolean => price >= 1_000_000;

export const rankOf = (price: number): 1 | 2 | 3 => (isRank1(price) ? 1 : isRank2(price) ? 2 : 3);

interface Priced {
  readonly price: number;
}

/** How many bids there are of each rank. */
export const bidsByRank = {
  totalBids: count(),
  rank1Bids: filtered(count(), ({ price }: Priced) => isRank1(price)),
  rank2Bids: filtered(count(), ({ price }: Priced) => isRank2(price)),
  rank3Bids: filtered(count(), ({ price }: Priced) => isRank3(price)),
};

/** Somebody who bids, or something that is bid for, as one part of a bid. */
export interface Participation extends Priced {
  readonly side: "bidder" | "auction";
  readonly id: number;
}

/** A bid once for its bidder and once for its auction. */
export const participations = (
  bid: Priced & { readonly bidder: number; readonly auction: number },
): Participation[] => [
  { side: "bidder", id: bid.bidder, price: bid.price },
  { side: "auction", id: bid.auction, price: bid.price },
];

/** The bids of one bidder, or for one auction. */
interface Participant {
  readonly side: string;
  readonly totalBids: number;
  readonly rank1Bids: number;
  readonly rank2Bids: number;
  readonly rank3Bids: number;
}

const isBidder = ({ side }: Participant): boolean => side === "bidder";
const isAuction = ({ side }: Participant): boolean => side === "auction";

/** Bids, and different bidders and auctions, of participants: each of these comes once. */
export const statistics = {
  totalBids: filtered(
    sum((one: Participant) => one.totalBids),
    isBidder,
  ),
  rank1Bids: filtered(
    sum((one: Participant) => one.rank1Bids),
    isBidder,
  ),
  rank2Bids: filtered(
    sum((one: Participant) => one.rank2Bids),
    isBidder,
  ),
  rank3Bids: filtered(
    sum((one: Participant) => one.rank3Bids),
    isBidder,
  ),
  totalBidders: filtered(count(), isBidder),
  rank1Bidders: filtered(count(), (one: Participant) => isBidder(one) && one.rank1Bids > 0),
  rank2Bidders: filtered(count(), (one: Participant) => isBidder(one) && one.rank2Bids > 0),
  rank3Bidders: filtered(count(), (one: Participant) => isBidder(one) && one.rank3Bids > 0),
  totalAuctions: filtered(count(), isAuction),
  rank1Auctions: filtered(count(), (one: Participant) => isAuction(one) && one.rank1Bids > 0),
  rank2Auctions: filtered(count(), (one: Participant) => isAuction(one) && one.rank2Bids > 0),
  rank3Auctions: filtered(count(), (one: Participant) => isAuction(one) && one.rank3Bids > 0),
};

/** The columns of {@link statistics}. */
export const statisticsColumns = {
  ...{ totalBids: bigint, rank1Bids: bigint, rank2Bids: bigint, rank3Bids: bigint },
  ...{ totalBidders: bigint, rank1Bidders: bigint, rank2Bidders: bigint, rank3Bidders: bigint },
  ...{ totalAuctions: bigint, rank1Auctions: bigint, rank2Auctions: bigint, rank3Auctions: bigint },
};

/** Milliseconds. */
export const DAY = 24 * 3_600_000;

/** Bids of each rank, and when the last one was. */
export const NO_BIDS = { total: 0, rank1: 0, rank2: 0, rank3: 0, last: 0 };

export const bidsOf = (before: Readonly<typeof NO_BIDS>, rank: 1 | 2 | 3, at: number): typeof NO_BIDS => ({
  total: before.total + 1,
  rank1: before.rank1 + Number(rank === 1),
  rank2: before.rank2 + Number(rank === 2),
  rank3: before.rank3 + Number(rank === 3),
  last: Math.max(before.last, at),
});

/** How many there are, and of each rank. @param all of each a bit for every rank that it is in */
export function differentOf(all: readonly number[]): Omit<typeof NO_BIDS, "last"> {
  const ofRank = (rank: number) => all.filter((ranks) => (ranks & (1 << rank)) !== 0).length;
  return { total: all.length, rank1: ofRank(1), rank2: ofRank(2), rank3: ofRank(3) };
}

/** `2015-07-15` */
export const dayOf = (instant: number): string => new Date(instant).toISOString().slice(0, 10);

/** `23:59` */
export const minuteOf = (instant: number): string => new Date(instant).toISOString().slice(11, 16);
