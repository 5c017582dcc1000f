import { BEFORE_ALL_TIME } from "../time/instant.ts";
import { Counters } from "./counters.ts";
import { hashOf, isWithin, WHOLE_RANGE, type HashRange, type KeyHash } from "./hash-range.ts";
import { partitionKeyOf, type KeyValues } from "./key.ts";
import { HeldTraces, type HeldTrace } from "./held-traces.ts";
import type { Heir, RangeFloor } from "./inheritance.ts";
import { Journal } from "./journal.ts";
import { KeyedTable, type TableDelta } from "./keyed-table.ts";
import { PoisonRecord } from "./poison-record.ts";
import type { RunLimits } from "./run-writer.ts";
import { StateMerge, type MergedTable } from "./state-merge.ts";
import { BEFORE_ALL_RECORDS, type Position } from "./position.ts";

/** A tick that was sent and has not come back: its id, and when it is due (epoch milliseconds). */
export interface ArmedTick {
  readonly id: string;
  readonly at: number;
}

/** How far a task said it is, and whether it said that it is idle. */
export interface Told {
  readonly watermark: number;
  readonly isIdle: boolean;
  /** How many partitions it has named, of a source to which partitions are added. */
  readonly partitions?: number;
}

/** What a commit says of a task beside its tables. Whole in every commit: it is small. */
export interface TaskHeader {
  readonly position: Position;
  readonly watermark: number;
  /** What records alone make of the watermark: what idleness adds to it is added to this (X12). */
  readonly recordWatermark: number;
  /** The largest arrival time folded, by the source's clock (X6). */
  readonly arrival: number;
  readonly tick: ArmedTick | undefined;
  readonly counters: ReturnType<Counters["snapshot"]>;
  readonly poison: ReturnType<PoisonRecord["snapshot"]>;
  /** How many records before the position killed the process, one after the other (X7). */
  readonly killed: number;
  /** What those that read from the stage were told last; nothing for a stage that nobody reads from. */
  readonly told: Told | undefined;
  /** The partition keys whose state the task holds; unknown for a partition that was listed no more. */
  readonly range: HashRange | undefined;
  /** What merged ranges had closed beyond the watermark. */
  readonly floors: readonly RangeFloor[];
  /** The partitions that replace this one, once its changelog has ended. */
  readonly sealed: readonly Heir[] | undefined;
  /** Of records in open windows. Absent where there are none: who does not trace has commits that know nothing of it. */
  readonly traces?: readonly HeldTrace[];
}

/** Tables by operator. */
export type TableDeltas = readonly (readonly [operator: string, delta: TableDelta])[];

/** A source's records are where their key's text is. */
export const hashOfPartitionKey = (key: KeyValues): KeyHash => hashOf(partitionKeyOf(key));

/** A task's whole state as of one epoch, in memory. Pure data: how it is stored is not its subject. */
export class TaskState {
  position: Position = BEFORE_ALL_RECORDS;
  watermark = BEFORE_ALL_TIME;
  recordWatermark = BEFORE_ALL_TIME;
  arrival = Number.NEGATIVE_INFINITY;
  tick: ArmedTick | undefined = undefined;
  killed = 0;
  told: Told | undefined = undefined;
  range: HashRange | undefined = undefined;
  floors: readonly RangeFloor[] = [];
  sealed: readonly Heir[] | undefined = undefined;
  readonly counters = new Counters();
  readonly poison = new PoisonRecord();
  readonly journal = new Journal();
  readonly traces = new HeldTraces(this.journal);
  /** What a key's partition is chosen by. */
  readonly hashOf: (key: KeyValues) => KeyHash;
  readonly #tables = new Map<string, KeyedTable>();

  /** @param hashOfKey @default that of the key's text, as producers of a source use it */
  constructor(hashOfKey = hashOfPartitionKey) {
    this.hashOf = hashOfKey;
  }

  /** Whether every key is the task's own, as far as its range is known: of a stream's only partition nobody computes hashes. */
  get hasAllKeys(): boolean {
    const { range } = this;
    return range === undefined || (range.from === WHOLE_RANGE.from && range.to === WHOLE_RANGE.to);
  }

  /** Whether a key is the task's own, as far as its range is known. */
  hasKey(key: KeyValues): boolean {
    return this.hasAllKeys || isWithin(this.range!, this.hashOf(key));
  }

  /** The table of an operator, made when first asked for. */
  table(operator: string): KeyedTable {
    let table = this.#tables.get(operator);
    if (table === undefined) this.#tables.set(operator, (table = new KeyedTable(this.journal)));
    return table;
  }

  /** Whether an operator has a table yet. */
  hasTable(operator: string): boolean {
    return this.#tables.has(operator);
  }

  /** Starts a unit of work that is kept or undone as a whole. */
  beginUnit(): void {
    this.journal.begin();
    this.counters.begin();
  }

  undoUnit(): void {
    this.journal.undo();
    this.counters.undo();
  }

  /** Entries in all tables. */
  get size(): number {
    let size = 0;
    for (const table of this.#tables.values()) size += table.size;
    return size;
  }

  /** Number of entries that are as a checkpoint's sorted runs have them. */
  get entriesInRuns(): number {
    let inRuns = 0;
    for (const table of this.#tables.values()) inRuns += table.inRun;
    return inRuns;
  }

  /** Entries per table. */
  *tableSizes(): Generator<readonly [table: string, entries: number]> {
    for (const [name, { size }] of this.#tables) yield [name, size];
  }

  /** Forgets what merged ranges had closed, where the task itself has come as far. */
  forgetFloors(): void {
    this.floors = this.floors.filter(
      ({ watermark, tables }) =>
        watermark > this.watermark ||
        !Object.entries(tables).every(([operator, floor]) => this.table(operator).raiseFloor(floor)),
    );
  }

  header(): TaskHeader {
    const traces = this.traces.snapshot();
    return {
      position: this.position,
      watermark: this.watermark,
      recordWatermark: this.recordWatermark,
      arrival: this.arrival,
      tick: this.tick,
      counters: this.counters.snapshot(),
      poison: this.poison.snapshot(),
      killed: this.killed,
      told: this.told,
      range: this.range,
      floors: this.floors,
      sealed: this.sealed,
      ...(traces.length > 0 && { traces }),
    };
  }

  /** The tables' changes since the last call. */
  takeDeltas(): TableDeltas {
    return [...this.#tables].map(([operator, table]) => [operator, table.takeDelta()]);
  }

  /** All tables whole. */
  snapshot(): TableDeltas {
    return [...this.#tables].map(([operator, table]) => [operator, table.snapshot()]);
  }

  /**
   * Begins to make of it what a checkpoint has: the same, large tables of those named as sorted runs.
   *
   * @param restorers by table what makes a stored value the table's
   */
  beginMerge(limits: RunLimits, restorers: ReadonlyMap<string, (value: unknown, key: string) => unknown>): StateMerge {
    const tables = Array.from(this.#tables, ([operator, table]): MergedTable => {
      const restore = restorers.get(operator);
      const merge = restore && table.beginMerge(limits, restore);
      return [operator, merge === undefined ? table.snapshot() : { table, merge, floor: table.floor }];
    });
    return new StateMerge(tables);
  }

  /** Moves on to a later commit. `whole` tables replace what is there. */
  apply(header: TaskHeader, deltas: TableDeltas, whole: boolean): void {
    this.position = header.position;
    this.watermark = header.watermark;
    this.recordWatermark = header.recordWatermark;
    this.arrival = header.arrival;
    this.tick = header.tick;
    this.counters.restore(header.counters);
    this.poison.restore(header.poison);
    this.killed = header.killed;
    this.told = header.told;
    this.range = header.range;
    this.floors = header.floors;
    this.sealed = header.sealed;
    this.traces.restore(header.traces ?? []);
    if (whole) for (const table of this.#tables.values()) table.clear();
    for (const [operator, delta] of deltas) this.table(operator).apply(delta);
  }
}
