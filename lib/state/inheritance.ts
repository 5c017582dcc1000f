import { isWithin, overlap, type HashRange, type KeyHash } from "./hash-range.ts";
import type { TableDelta } from "./keyed-table.ts";
import { joinProducers, PRODUCERS } from "./producers.ts";
import { joinReplicated } from "./replicated-table.ts";
import { REDRIVEN } from "./redriven.ts";
import { BEFORE_ALL_TIME } from "../time/instant.ts";
import { TaskState, type TableDeltas, type TaskHeader } from "./task-state.ts";

/** A partition that takes over keys of one that was split or merged. */
export interface Heir extends HashRange {
  readonly partition: string;
}

/**
 * What a range of keys had closed before it was merged with one that is behind: for these keys nothing at or
 * before it opens again, although the task's own watermark is lower.
 */
export interface RangeFloor extends HashRange {
  readonly watermark: number;
  /** Per operator the highest space ever dropped. */
  readonly tables: Readonly<Record<string, number>>;
}

/** A sealed task's last commit, as its heirs find it. */
export interface Legacy {
  readonly epoch: number;
  readonly header: TaskHeader;
  readonly tables: TableDeltas;
  /** Whether stages that read from it were told nothing of it. */
  readonly hasNewReaders?: boolean;
}

/** The heir that takes over a key's state. A key outside of all ranges goes to the nearest below, and none is lost. */
export function heirOf(heirs: readonly Heir[], hash: KeyHash): Heir {
  const ascending = heirs.toSorted((a, b) => (a.from < b.from ? -1 : 1));
  return ascending.findLast(({ from }) => from <= hash) ?? ascending[0]!;
}

/** How far a key's range had come, where that is beyond the task's watermark; undefined for nothing known. */
export function floorOf(floors: readonly RangeFloor[], hash: KeyHash, operator: string) {
  let watermark = BEFORE_ALL_TIME;
  let space = Number.NEGATIVE_INFINITY;
  for (const floor of floors) {
    if (!isWithin(floor, hash)) continue;
    watermark = Math.max(watermark, floor.watermark);
    space = Math.max(space, floor.tables[operator] ?? space);
  }
  return { watermark, space };
}

/**
 * The state with which the task of a partition begins: its parents' states, cut to its keys.
 *
 * Its watermark is the least of theirs; what another parent had closed beyond it stays closed (its range's floor).
 * Parents that never had a record hold nothing back. What was redriven is known of every parent: of one, too, that has
 * had nothing but dead letters.
 *
 * @param hashOfKey of an operator's key, as its table has it
 * @param replicated tables that are not cut: each task has them whole
 * @param idle milliseconds of silence after which a parent's event time moves by itself (X12)
 */
export function inherit(
  { partition, range }: { readonly partition: string; readonly range: HashRange },
  legacies: readonly Legacy[],
  hashOfKey: (operator: string, key: string) => KeyHash,
  replicated: ReadonlySet<string>,
  idle: number,
): Pick<Legacy, "header" | "tables"> {
  const isTimed = (name: string): boolean => name !== REDRIVEN && name !== PRODUCERS && !replicated.has(name);
  const holdsState = ([name, { put }]: TableDeltas[number]): boolean => isTimed(name) && put.length > 0;
  const active = legacies.filter(({ header }) => header.watermark !== BEFORE_ALL_TIME);
  const arrival = Math.max(Number.NEGATIVE_INFINITY, ...legacies.map(({ header }) => header.arrival));
  const keeps = (legacy: Legacy) => (operator: string, key: string) =>
    heirOf(legacy.header.sealed!, hashOfKey(operator, key)).partition === partition;
  const header: TaskHeader = {
    ...new TaskState().header(),
    watermark: least(active.map((legacy) => legacy.header.watermark)),
    recordWatermark: least(active.map((legacy) => recordWatermarkAt(legacy.header, arrival, idle))),
    arrival,
    range,
    floors: active
      .flatMap((legacy) => floorsOf(legacy, active.length > 1, isTimed))
      .filter((floor) => overlap(floor, range)),
  };
  const tablesOf = (of: readonly Legacy[], isOf: (name: string) => boolean) =>
    joined(
      of.map((legacy) =>
        cut(
          legacy.tables.filter(([name]) => isOf(name)),
          keeps(legacy),
        ),
      ),
    );
  // One that reads from a shuffle may have state before any of its producers told the time.
  const holding = legacies.filter((legacy) => active.includes(legacy) || legacy.tables.some(holdsState));
  const timed = tablesOf(holding, isTimed);
  const redriven = tablesOf(legacies, (name) => name === REDRIVEN);
  const producers = legacies.flatMap(({ tables }) => tables.filter(([name]) => name === PRODUCERS));
  const known = producers.length === 0 ? [] : [[PRODUCERS, joinProducers(producers.map(([, d]) => d))] as const];
  const everywhere = [...replicated].flatMap((name): TableDeltas => {
    const whole = legacies.flatMap(({ tables }) => tables.filter(([one]) => one === name).map(([, delta]) => delta));
    return whole.length === 0 ? [] : [[name, joinReplicated(whole)]];
  });
  return { header, tables: [...timed, ...redriven, ...known, ...everywhere] };
}

const least = (times: readonly number[]): number => {
  const known = times.filter((time) => time !== BEFORE_ALL_TIME);
  return known.length === 0 ? BEFORE_ALL_TIME : Math.min(...known);
};

/** A parent that was silent for longer than another has moved on by as much, as idleness moves it. */
function recordWatermarkAt({ recordWatermark, arrival: last }: TaskHeader, arrival: number, idle: number): number {
  const silence = arrival - last;
  return recordWatermark === BEFORE_ALL_TIME || silence < idle ? recordWatermark : recordWatermark + silence;
}

/** The tables' entries whose key is kept. */
function cut(tables: TableDeltas, keeps: (operator: string, key: string) => boolean): TableDeltas {
  return tables.map(([operator, { put, ...rest }]) => {
    const kept = put.map(([space, keys, values]) => {
      const indexes = keys.flatMap((key, i) => (keeps(operator, key) ? [i] : []));
      return [space, indexes.map((i) => keys[i]!), indexes.map((i) => values[i])] as const;
    });
    return [operator, { ...rest, put: kept.filter(([, keys]) => keys.length > 0) }];
  });
}

/** Several tasks' tables as one's; no key is in two of them. The floor is the least, as ranges keep their own. */
function joined(parts: readonly TableDeltas[]): TableDeltas {
  const deltas = new Map<string, TableDelta[]>();
  for (const [operator, delta] of parts.flat()) deltas.set(operator, [...(deltas.get(operator) ?? []), delta]);
  return [...deltas].map(([operator, all]) => {
    const floor = all.length < parts.length ? Number.NEGATIVE_INFINITY : Math.min(...all.map((delta) => delta.floor));
    return [operator, { floor, dropped: [], removed: [], put: all.flatMap(({ put }) => put) }];
  });
}

/** @param isTimed whether a table's spaces are event time, in which floors are told */
function floorsOf(
  { header, tables }: Legacy,
  isMerged: boolean,
  isTimed: (table: string) => boolean,
): readonly RangeFloor[] {
  if (!isMerged || header.range === undefined) return header.floors;
  const floors = Object.fromEntries(
    tables.filter(([name]) => isTimed(name)).map(([operator, { floor }]) => [operator, floor]),
  );
  return [...header.floors, { ...header.range, watermark: header.watermark, tables: floors }];
}
