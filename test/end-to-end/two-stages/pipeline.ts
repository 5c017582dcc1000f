import { bigint, count, kinesis, lake, pipeline, sumExact, text, timestamp, tumbling } from "millrace";
import * as z from "zod";

/** No key: producers spread visits at random. */
export const visits = kinesis("visits", {
  schema: z.object({ page: z.string(), at: z.number(), millis: z.number(), readableFrom: z.number().default(0) }),
  eventTime: (v) => v.at,
  disorder: { seconds: 1 },
  idle: { seconds: 2 },
});

export const minutes = lake("minutes", {
  page: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  visits: bigint,
  millis: bigint,
});

/** Code of the second stage that fails until a time that the record names, as if a mended build were deployed then. */
const readable = ({ millis, readableFrom }: { readonly millis: bigint; readonly readableFrom: number }): bigint => {
  if (Date.now() < readableFrom) throw new Error("not mended yet");
  return millis;
};

export default pipeline("visits", (flow) => {
  flow
    .from(visits)
    .filter("human", ({ millis }) => millis > 0)
    .map("exact", ({ millis, ...visit }) => ({ ...visit, millis: BigInt(millis) }))
    // The second stage's code is to see every visit.
    .keyBy("by-page", { page: (v) => v.page }, { preAggregate: false })
    .window("per-minute", tumbling({ minutes: 1 }))
    .aggregate({ visits: count(), millis: sumExact(readable) })
    .to(minutes);
});
