import { SEEN } from "../../operators/deduplicate.ts";
import { ExpiringEntries } from "../../operators/expiring-entries.ts";
import { RowVersions } from "../../operators/join/row-versions.ts";
import { WaitingRecords } from "../../operators/join/waiting-records.ts";
import { watermarkAt } from "../../operators/operator-watermark.ts";
import type { CellDeclarations, ListCell, MapCell, ReducingCell, ValueCell } from "../../operators/process/cell.ts";
import { cellOf } from "../../operators/process/cells.ts";
import { operatorTableOf, PositionScope } from "../../operators/process/operator-state.ts";
import { Scope, type CellScope } from "../../operators/process/scope.ts";
import { TimerQueue } from "../../operators/process/timers.ts";
import type { NodeOf, Pipeline } from "../../pipeline/topology.ts";
import { delayBefore } from "../../plan/window-of.ts";
import { partKey } from "../../state/entry-key.ts";
import { decodeKey, type KeyValue, type KeyValues } from "../../state/key.ts";
import { readable } from "../../state/stored-value.ts";
import type { TaskState } from "../../state/task-state.ts";
import { BEFORE_ALL_TIME } from "../../time/instant.ts";
import type { JoinView } from "./views.ts";

/** Whose state is looked at, and where. */
export interface Place {
  readonly pipeline: Pipeline;
  readonly state: TaskState;
  readonly key: KeyValues;
  readonly keyCode: string;
}

/** What user code would find in each of its cells, were it called for the key at the watermark. */
export function cellsOf(node: NodeOf<"process">, place: Place): Readonly<Record<string, unknown>> {
  const { name, definition } = node;
  const { pipeline, state, key, keyCode } = place;
  const scope = new Scope(name, state);
  const watermark = watermarkAt({ name, delay: delayBefore(pipeline, node) }, state, key);
  return during(scope, { key, keyCode, watermark }, () =>
    contentOf(definition.state, new ExpiringEntries(name, state), scope),
  );
}

/** What user code would find in each of its operator's own cells in a task. */
export function operatorCellsOf({ name, definition }: NodeOf<"process">, state: TaskState) {
  const scope = new Scope(name, state);
  return during(scope, { key: {}, keyCode: "", watermark: BEFORE_ALL_TIME }, () => {
    const entries = new ExpiringEntries(operatorTableOf(name), state);
    return contentOf(definition.operatorState, entries, new PositionScope(state, scope));
  });
}

function during<T>(
  scope: Scope,
  { key, keyCode, watermark }: { readonly key: KeyValues; readonly keyCode: string; readonly watermark: number },
  work: () => T,
): T {
  let found!: T;
  const meta = { key, keyCode, time: BEFORE_ALL_TIME };
  scope.during({ meta, watermark, now: BEFORE_ALL_TIME, timer: undefined }, () => (found = work()));
  return found;
}

function contentOf(declarations: CellDeclarations, entries: ExpiringEntries, scope: CellScope) {
  const cells: Record<string, unknown> = {};
  for (const [cell, declaration] of Object.entries(declarations)) {
    const found = cellOf(cell, declaration, entries, scope);
    cells[cell] =
      declaration.kind === "map"
        ? new Map((found as MapCell<KeyValue, unknown>).entries())
        : (found as ValueCell<unknown> | ListCell<unknown> | ReducingCell<unknown>).get();
  }
  return cells;
}

/** When each of a key's timers that is set will fire: epoch milliseconds of its kind of time. */
export function timersOf({ name, definition }: NodeOf<"process">, place: Place): Readonly<Record<string, number>> {
  const timers: Record<string, number> = {};
  for (const [timer, { domain }] of Object.entries(definition.timers)) {
    const at = new TimerQueue(name, domain, place.state).at(partKey(place.keyCode, timer));
    if (at !== undefined) timers[timer] = at;
  }
  return timers;
}

/** The ids that are remembered, and the event times of the records that were passed on. */
export function idsOf(node: NodeOf<"deduplicate">, place: Place): ReadonlyMap<KeyValue, readonly number[]> {
  const { name } = node;
  const { pipeline, state, key, keyCode } = place;
  const watermark = watermarkAt({ name, delay: delayBefore(pipeline, node) }, state, key);
  const found = new ExpiringEntries(name, state).entriesOf(partKey(keyCode, SEEN), watermark);
  return new Map(found.map(([id, times]) => [decodeKey(["id"], id)["id"]!, times as readonly number[]]));
}

/** The versions that are known of a row, and the records that wait to be joined with it. */
export function joinOf({ name, table }: NodeOf<"join">, { state, keyCode }: Place): JoinView<unknown, unknown> {
  const versions = new RowVersions(name, state, table.keepRemoved).of(keyCode);
  const waiting = new WaitingRecords(name, state).of(keyCode);
  return {
    versions: versions.map(([at, , , row]) => ({ at, row: readable(row) })),
    waiting: waiting.map(({ time, value }) => ({ at: time, record: readable(value) })),
  };
}
