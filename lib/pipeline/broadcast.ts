import type { Broadcast } from "../operators/broadcast/broadcast.ts";
import type { KeyValue } from "../state/key.ts";
import type { Versioned } from "../state/versions.ts";
import type { Duration } from "../time/duration.ts";

/** What a broadcast stream is a table by, and what leaves it. */
export interface BroadcastOptions<T, Q extends KeyValue> extends Versioned {
  /** Of each key the value of the latest event time counts. */
  readonly key: (value: T) => Q;
  /** Whether a value says that its key is there no more. @default nothing is removed */
  readonly removes?: (value: T) => boolean;
  /**
   * How long a removal is known, in event time: a value that comes later than that, behind the newest of its partition,
   * is a dead letter. @default 7 days
   */
  readonly keepRemoved?: Duration;
}

/** How a stream becomes a table that is everywhere. */
export interface Broadcasting<T> {
  /**
   * Has every task of the stages that read it keep the stream's newest value per key, as a table (Flink: broadcast state;
   * Kafka Streams: a global table). Process functions behind a `keyBy` read it.
   *
   * @example
   * const at = z.number();
   * const limits = kinesis("limits", {
   *   schema: z.object({ country: z.string(), most: z.number(), isOff: z.boolean(), at }),
   *   eventTime: (limit) => limit.at,
   *   disorder: { seconds: 10 },
   * });
   * const payments = kinesis("payments", {
   *   schema: z.object({ card: z.string(), country: z.string(), amount: z.number(), at }),
   *   eventTime: (payment) => payment.at,
   *   disorder: { seconds: 10 },
   * });
   * pipeline("limits", (flow) => {
   *   const limitOf = flow
   *     .from(limits)
   *     .broadcast("limit-of", { key: (limit) => limit.country, removes: (limit) => limit.isOff });
   *   flow
   *     .from(payments)
   *     .keyBy("by-card", { card: (payment) => payment.card })
   *     .process("check", {
   *       broadcast: { limitOf },
   *       *onRecord(payment, { broadcast }) {
   *         const limit = broadcast.limitOf.get(payment.country);
   *         if (limit !== undefined && payment.amount > limit.most) yield { card: payment.card, most: limit.most };
   *       },
   *     })
   *     .to(lake("too_much", { card: text, most: double }));
   * });
   */
  broadcast<Q extends KeyValue>(name: string, options: BroadcastOptions<T, Q>): Broadcast<T, Q>;
}
