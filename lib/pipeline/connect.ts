import type { BroadcastDeclarations } from "../operators/broadcast/broadcast.ts";
import type { CellDeclarations } from "../operators/process/cell.ts";
import type { ConnectedFunction, Given, RowsOf, SideDeclarations } from "../operators/process/process-function.ts";
import type { TimerDeclarations } from "../operators/process/timer.ts";
import type { Processed } from "./process.ts";
import type { Keyed } from "./stream.ts";

/** Whether two keys have the same fields of the same types; else what is wrong. */
export type SameKey<K, L> = [K] extends [L] ? ([L] extends [K] ? unknown : OtherKey) : OtherKey;

interface OtherKey {
  readonly "both streams must have the same key: the same fields of the same types": never;
}

/** How two keyed streams meet. */
export interface Connect<T, K> {
  /**
   * This stream and another one of the same key, for one function with one state per key (Flink: a keyed co-process
   * function). Both `keyBy`s lead into one stage, which has the name of the first of them.
   *
   * @example
   * const at = z.number();
   * const bids = kinesis("bids", {
   *   schema: z.object({ auction: z.string(), price: z.number(), at }),
   *   eventTime: (bid) => bid.at,
   *   disorder: { seconds: 10 },
   * });
   * const auctions = kinesis("auctions", {
   *   schema: z.object({ id: z.string(), closes: z.number(), at }),
   *   eventTime: (auction) => auction.at,
   *   disorder: { seconds: 10 },
   * });
   * pipeline("auctions", (flow) => {
   *   const byAuction = flow.from(auctions).keyBy("auctions-by-id", { auction: (auction) => auction.id });
   *   flow
   *     .from(bids)
   *     .keyBy("bids-by-auction", { auction: (bid) => bid.auction })
   *     .connect(byAuction)
   *     .process("winning", {
   *       state: { best: value(z.number(), { initial: 0 }) },
   *       timers: { closing: eventTime },
   *       onRecord(bid, { state }) {
   *         state.best.set(Math.max(state.best.get(), bid.price));
   *       },
   *       onOther(auction, { timers }) {
   *         timers.closing.set(auction.closes);
   *       },
   *       *onTimer(_timer, { key, state }) {
   *         yield { auction: key.auction, price: state.best.get() };
   *         state.best.clear();
   *       },
   *     })
   *     .to(lake("winners", { auction: text, price: double }));
   * });
   */
  connect<U, L>(other: Keyed<U, L> & SameKey<K, L>): Connected<T, U, K>;
}

/** Two streams of one key `K`. */
export interface Connected<T, U, K> {
  /** User code that runs once per record of either stream, and once per timer, with state and timers per key. */
  process<
    const S extends CellDeclarations = {},
    const Tm extends TimerDeclarations = {},
    const Sd extends SideDeclarations = {},
    X extends Given = void,
    Y extends Given = void,
    Z extends Given = void,
    const O extends CellDeclarations = {},
    const B extends BroadcastDeclarations = {},
  >(
    name: string,
    process: ConnectedFunction<T, U, K, S, Tm, Sd, X, Y, Z, O, B>,
  ): Processed<RowsOf<X> | RowsOf<Y> | RowsOf<Z>, K, Sd, S, Tm, O>;
}
