import { bigint, double, lake, pipeline, text, timestamp } from "millrace";
import { inEuros, inThousandths } from "../money.ts";
import { isBid, nexmark } from "../source.ts";

const calculated = lake("q14", {
  auction: bigint,
  bidder: bigint,
  price: double,
  bidTimeType: text,
  dateTime: timestamp,
  extra: text,
  cCounts: bigint,
});

function timeTypeOf(instant: number): string {
  const hour = new Date(instant).getUTCHours();
  if (hour >= 8 && hour <= 18) return "dayTime";
  return hour <= 6 || hour >= 20 ? "nightTime" : "otherTime";
}

/** Query 14: bids of a price between two bounds, with what is calculated of them. */
export default pipeline("nexmark-q14", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .filter("price", ({ price }) => inThousandths(price) > 1_000_000_000 && inThousandths(price) < 50_000_000_000)
    .map("calculations", ({ auction, bidder, price, dateTime, extra }) => ({
      auction,
      bidder,
      price: inEuros(price),
      bidTimeType: timeTypeOf(dateTime),
      dateTime,
      extra,
      cCounts: extra.split("c").length - 1,
    }))
    .to(calculated);
});
