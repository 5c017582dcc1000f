import { kinesis } from "millrace";
import { nexmarkEvent, type Auction, type Bid, type NexmarkEvent } from "../generator/schemas.ts";

/**
 * Persons, auctions and bids in one stream, as Flink's queries read them. Its producers use random partition keys. As
 * published, an event may be four seconds behind (queries/ddl_gen.sql of nexmark/nexmark).
 */
export const nexmark = kinesis("nexmark", {
  schema: nexmarkEvent,
  eventTime: (event) => event.dateTime,
  disorder: { seconds: 4 },
  idle: "never",
  maxFuture: "unbounded",
});

export const isBid = (event: NexmarkEvent): event is Bid => event.type === "bid";

export const isAuctionOrBid = (event: NexmarkEvent): event is Auction | Bid => event.type !== "person";
