import type { BroadcastDeclarations } from "../operators/broadcast/broadcast.ts";
import type { CellDeclarations } from "../operators/process/cell.ts";
import type { Given, ProcessFunction, RowsOf, Side, SideDeclarations } from "../operators/process/process-function.ts";
import type { TimerDeclarations } from "../operators/process/timer.ts";
import type { Handle, InsideProcess } from "./handle.ts";
import type { Stream } from "./stream.ts";

/** A process function's rows, and beside them its side outputs. */
export interface Processed<R, K, Sd, S = {}, Tm = {}, O = {}> extends Stream<R, K>, Handle<InsideProcess<K, S, Tm, O>> {
  readonly side: { readonly [P in keyof Sd]: Sd[P] extends Side<infer Row> ? Stream<Row, K> : never };
}

/** How a process function is added to a keyed stream. */
export interface Process<T, K> {
  /**
   * User code that runs once per record and once per timer, with state and timers per key. The name addresses the
   * operator's state.
   *
   * Functions are synchronous. Rows are yielded; state values are stored when they are set, and frozen. A record, or a
   * timer, whose function throws becomes a dead letter, and what it changed, set and sent is undone.
   *
   * @example
   * const readings = kinesis("readings", {
   *   schema: z.object({ sensor: z.string(), at: z.number() }),
   *   key: { sensor: (r) => r.sensor },
   *   eventTime: (r) => r.at,
   *   disorder: { seconds: 10 },
   * });
   * pipeline("silences", (flow) => {
   *   flow
   *     .from(readings)
   *     .byKey.process("silence", {
   *       state: { since: value(z.number(), { initial: 0 }) },
   *       timers: { quiet: eventTime },
   *       onRecord(_reading, { state, timers, time }) {
   *         if (time < state.since.get()) return;
   *         state.since.set(time);
   *         timers.quiet.after({ minutes: 5 });
   *       },
   *       *onTimer(_timer, { key, state }) {
   *         yield { sensor: key.sensor, since: state.since.get() };
   *       },
   *     })
   *     .to(lake("silences", { sensor: text, since: timestamp }));
   * });
   */
  process<
    const S extends CellDeclarations = {},
    const Tm extends TimerDeclarations = {},
    const Sd extends SideDeclarations = {},
    X extends Given = void,
    Y extends Given = void,
    const O extends CellDeclarations = {},
    const B extends BroadcastDeclarations = {},
  >(
    name: string,
    process: ProcessFunction<T, K, S, Tm, Sd, X, Y, O, B>,
  ): Processed<RowsOf<X> | RowsOf<Y>, K, Sd, S, Tm, O>;
}
