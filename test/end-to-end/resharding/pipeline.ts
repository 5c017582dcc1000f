import { bigint, count, double, kinesis, lake, pipeline, sum, text, timestamp, tumbling } from "millrace";
import * as z from "zod";

const DISORDER = { seconds: 2 };

/** Times are those that a test makes up: silence moves nothing. */
export const payments = kinesis("payments", {
  schema: z.object({ key: z.string(), time: z.number(), value: z.number() }),
  key: { key: (p) => p.key },
  eventTime: (p) => p.time,
  disorder: DISORDER,
  idle: "never",
});

export const totals = lake("totals", {
  key: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  events: bigint,
  total: double,
});

export const missed = lake("missed", { key: text, time: timestamp, value: double });

export default pipeline("payments", (flow) => {
  const perSecond = flow
    .from(payments)
    .byKey.window("per-second", tumbling({ seconds: 1 }))
    .aggregate({ events: count(), total: sum((p) => p.value) });
  perSecond.to(totals);
  perSecond.late.to(missed);
});
