import type { KeyedTable } from "../state/keyed-table.ts";
import { BEFORE_ALL_TIME, END_OF_TIME } from "../time/instant.ts";
import { overlaps, type GlobalWindow, type SessionWindows, type TimeWindows, type Window } from "../windows/window.ts";
import type { Accumulators, Aggregation } from "./aggregation.ts";
import type { PartOrigins } from "./evolution/part-origins.ts";

/** Windows whose closing is their end in event time. */
export type EndingWindows = TimeWindows<never> | SessionWindows<never> | GlobalWindow;

/** What is known of a window that makes several rows. */
export interface FiringState {
  /** How many times it has made a row. */
  readonly rows: number;
  /** Records since the last one. */
  readonly unfired: number;
  /** The event time at which it makes the next; undefined where none is due before it closes. */
  readonly fireAt: number | undefined;
  /** The processing time at which it makes one before its end; undefined where none is due. */
  readonly wakeAt: number | undefined;
  /** What was sent and not taken back, where rows are. */
  readonly sent: readonly SentRow[];
}

/** A row that was sent: its window, and the accumulators it was made of. */
export type SentRow = readonly [start: number, end: number, accumulators: Accumulators];

/** A window of one key that has records and is not closed. */
export interface OpenWindow extends Window {
  /** Undefined when all was sent and discarded. */
  readonly accumulators: Accumulators | undefined;
  /** The latest event time in it; of use where the window has no end. */
  readonly latest: number;
  readonly firing: FiringState | undefined;
}

/**
 * The windows that an operator has open, in its table.
 *
 * State: space = the window's end, so that a space closes as a whole. Key = the key's code; where several windows of a
 * key may share an end, the start and a blank before it. Value = the accumulators; where that does not say it all,
 * [accumulators or null, the start of a session or the latest time in a global window or null, firing or null].
 */
export class OpenWindows {
  readonly #assigner: EndingWindows;
  readonly #startIsInKey: boolean;
  readonly #table: KeyedTable;
  /** Whether a value is the accumulators alone. */
  readonly isBare: boolean;

  constructor(assigner: EndingWindows, table: KeyedTable, fires: boolean) {
    this.#assigner = assigner;
    this.#startIsInKey = startIsInKey(assigner);
    this.#table = table;
    this.isBare = assigner.kind === "time" && !fires;
  }

  /** The key under which a window is stored. */
  entryKey({ start }: Window, keyCode: string): string {
    return this.#startIsInKey ? `${start} ${keyCode}` : keyCode;
  }

  get({ end }: Pick<Window, "end">, entryKey: string): OpenWindow | undefined {
    const value = this.#table.get(end, entryKey);
    return value === undefined ? undefined : this.#opened(end, entryKey, value);
  }

  put(open: OpenWindow, keyCode: string): void {
    this.#table.put(open.end, this.entryKey(open, keyCode), this.isBare ? open.accumulators : this.#valueOf(open));
  }

  remove(window: Window, keyCode: string): void {
    this.#table.remove(window.end, this.entryKey(window, keyCode));
  }

  /** A key's sessions that a window overlaps, in their order. They are apart, so that no other one is looked at but the next. */
  overlapping(window: Window, keyCode: string): readonly OpenWindow[] {
    const found: OpenWindow[] = [];
    for (const end of this.#table.spacesOf(keyCode).above(window.start)) {
      const open = this.get({ end }, keyCode)!;
      if (!overlaps(window, open)) break;
      found.push(open);
    }
    return found;
  }

  /** Takes out all that end then, once the first is asked for: there may be very many, and each is made when it comes. */
  *take(end: number): Generator<readonly [keyCode: string, open: OpenWindow]> {
    for (const [key, value] of this.#table.take(end))
      yield [keyCodeIn(this.#assigner, key), this.#opened(end, key, value)];
  }

  #opened(end: number, entryKey: string, value: unknown): OpenWindow {
    const assigner = this.#assigner;
    let start = BEFORE_ALL_TIME;
    if (assigner.kind === "time") start = assigner.startOf?.(end) ?? Number.parseInt(entryKey, 10);
    if (this.isBare) return { start, end, latest: end - 1, accumulators: value as Accumulators, firing: undefined };
    const [accumulators, extra, firing] = value as StoredWindow;
    if (assigner.kind === "session") start = extra!;
    const latest = assigner.kind === "global" ? extra! : end - 1;
    return {
      start,
      end,
      latest,
      accumulators: accumulators ?? undefined,
      firing: firing === null ? undefined : firingOf(firing),
    };
  }

  #valueOf({ start, accumulators, latest, firing }: OpenWindow): StoredWindow {
    const { kind } = this.#assigner;
    const extra = kind === "session" ? start : kind === "global" ? latest : null;
    if (firing === undefined) return [accumulators ?? null, extra, null];
    const { rows, unfired, fireAt, wakeAt, sent } = firing;
    return [accumulators ?? null, extra, [rows, unfired, fireAt ?? null, wakeAt ?? null, sent]];
  }

  /** What checks a value that comes out of storage, which throws systemic errors `state/accumulator`. */
  static restorer(assigner: EndingWindows, aggregation: Aggregation, fires: boolean, from?: PartOrigins) {
    const isBare = assigner.kind === "time" && !fires;
    return (value: unknown): unknown =>
      isBare ? aggregation.restore(value, from) : restoredWindow(aggregation, value, from);
  }
}

function restoredWindow(aggregation: Aggregation, value: unknown, from: PartOrigins | undefined): StoredWindow {
  if (!Array.isArray(value) || value.length !== 3) throw aggregation.notAsWritten();
  const [accumulators, extra, firing] = value as unknown[];
  if (!isTime(extra)) throw aggregation.notAsWritten();
  return [
    accumulators === null ? null : aggregation.restore(accumulators, from),
    extra,
    firing === null ? null : restoredFiring(aggregation, firing, from),
  ];
}

function restoredFiring(aggregation: Aggregation, value: unknown, from: PartOrigins | undefined): StoredFiring {
  if (!Array.isArray(value) || value.length !== 5) throw aggregation.notAsWritten();
  const [rows, unfired, fireAt, wakeAt, sent] = value as unknown[];
  const isWhole = isCount(rows) && isCount(unfired) && isTime(fireAt) && isTime(wakeAt);
  if (!isWhole || !Array.isArray(sent)) throw aggregation.notAsWritten();
  const restored = sent.map((row: unknown): SentRow => {
    if (!Array.isArray(row) || row.length !== 3) throw aggregation.notAsWritten();
    const [start, end, of] = row as unknown[];
    if (typeof start !== "number" || typeof end !== "number") throw aggregation.notAsWritten();
    return [start, end, aggregation.restore(of, from)];
  });
  return [rows, unfired, fireAt, wakeAt, restored];
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isTime = (value: unknown): value is number | null => value === null || typeof value === "number";

type StoredFiring = readonly [
  rows: number,
  unfired: number,
  fireAt: number | null,
  wakeAt: number | null,
  sent: readonly SentRow[],
];
type StoredWindow = readonly [accumulators: Accumulators | null, extra: number | null, firing: StoredFiring | null];

const firingOf = ([rows, unfired, fireAt, wakeAt, sent]: StoredFiring): FiringState => ({
  rows,
  unfired,
  fireAt: fireAt ?? undefined,
  wakeAt: wakeAt ?? undefined,
  sent,
});

const startIsInKey = (assigner: EndingWindows): boolean => assigner.kind === "time" && assigner.startOf === undefined;

/** The key's code in a key of the table. */
export const keyCodeIn = (assigner: EndingWindows, entryKey: string): string =>
  startIsInKey(assigner) ? entryKey.slice(entryKey.indexOf(" ") + 1) : entryKey;

/** The one window of a key that has no end. */
export const EVERYTHING: Window = { start: BEFORE_ALL_TIME, end: END_OF_TIME };
