import * as z from "zod";

/** Epoch milliseconds. */
const instant = z.int();
const id = z.int().min(0);
/** Cents. */
const price = z.int().min(0);

/** Somebody who sells or bids. */
export const person = z.object({
  type: z.literal("person"),
  id,
  name: z.string(),
  emailAddress: z.string(),
  creditCard: z.string(),
  city: z.string(),
  state: z.string(),
  dateTime: instant,
  extra: z.string(),
});

export const auction = z.object({
  type: z.literal("auction"),
  id,
  itemName: z.string(),
  description: z.string(),
  initialBid: price,
  reserve: price,
  dateTime: instant,
  expires: instant,
  seller: id,
  category: z.int(),
  extra: z.string(),
});

export const bid = z.object({
  type: z.literal("bid"),
  auction: id,
  bidder: id,
  price,
  channel: z.string(),
  url: z.string(),
  dateTime: instant,
  extra: z.string(),
});

/** An event of the online auction, as producers send it. */
export const nexmarkEvent = z.discriminatedUnion("type", [person, auction, bid]);

export type Person = z.infer<typeof person>;
export type Auction = z.infer<typeof auction>;
export type Bid = z.infer<typeof bid>;
export type NexmarkEvent = z.infer<typeof nexmarkEvent>;
