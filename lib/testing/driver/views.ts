import type { Cells, MapCell } from "../../operators/process/cell.ts";
import type { PaneFields, RetractionFields } from "../../pipeline/stream.ts";
import type { Stored } from "../../state/stored-value.ts";

/** What a cell holds: a value, a list as an array, a map as a Map. */
type ViewOf<C> = C extends { get(): infer V }
  ? V
  : C extends MapCell<infer M, infer V>
    ? ReadonlyMap<M, Stored<V>>
    : never;

/** What the state `S` of a process function holds, for a key or in a task, by the cells' names. */
export type StateView<S> = { readonly [P in keyof Cells<S>]: ViewOf<Cells<S>[P]> };

/** When those of a key's timers `Tm` that are set will fire: epoch milliseconds of their kind of time. */
export type TimersView<Tm> = { readonly [P in keyof Tm]?: number };

/** What a join holds of a key: versions of its row `V` in their order, undefined where there was none, and records `T` that wait. */
export interface JoinView<T, V> {
  readonly versions: readonly { readonly at: number; readonly row: Stored<V> | undefined }[];
  readonly waiting: readonly { readonly at: number; readonly record: Stored<T> }[];
}

type Bounds = "windowStart" | "windowEnd";
type RowFields<R, K> = Omit<R, keyof K | keyof PaneFields | keyof RetractionFields>;

/**
 * A window of a key that is open: what its row `R` would be now, without the key. Of windows that make several rows the
 * aggregates are missing where all was sent and discarded.
 */
export type OpenWindow<R, K> = R extends PaneFields
  ? Pick<RowFields<R, K>, Extract<keyof RowFields<R, K>, Bounds>> & Partial<Omit<RowFields<R, K>, Bounds>>
  : RowFields<R, K>;
