import { bigint, lake, pipeline, text } from "millrace";
import { isBid, nexmark } from "../source.ts";

const identified = lake("q21", { auction: bigint, bidder: bigint, price: bigint, channel: text, channelId: text });

const KNOWN: ReadonlyMap<string, string> = new Map([
  ["apple", "0"],
  ["google", "1"],
  ["facebook", "2"],
  ["baidu", "3"],
]);

const channelIdOf = (channel: string, url: string): string | undefined =>
  KNOWN.get(channel.toLowerCase()) ?? /(?:&|^)channel_id=([^&]*)/.exec(url)?.[1];

/** Query 21: bids with their channel's id, where one can be told. */
export default pipeline("nexmark-q21", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .flatMap("channel-ids", ({ auction, bidder, price, channel, url }) => {
      const channelId = channelIdOf(channel, url);
      return channelId === undefined ? [] : [{ auction, bidder, price, channel, channelId }];
    })
    .to(identified);
});
