import type { OperatorCounters } from "../../state/counters.ts";
import { poisonError, systemicError } from "../../errors.ts";
import { decodeKey, type KeyValues } from "../../state/key.ts";
import { storableCopy } from "../../state/storable.ts";
import { readable } from "../../state/stored-value.ts";
import type { VersionedShape } from "../../state/versions.ts";
import type { PartOrigins } from "../evolution/part-origins.ts";
import { checkRange } from "../key-range.ts";
import type { ExpiringOperator, Meta, OperatorContext, Push, StoredUnit, TimedOperator, Unit } from "../operator.ts";
import { trailing } from "../operator-watermark.ts";
import { refusePromise } from "../stateless.ts";
import { Frontier } from "../window-spec.ts";
import { RowVersions, type RowVersion } from "./row-versions.ts";
import { TABLE_ROW, type TableSpec, type VersionOrder } from "./table-change.ts";
import { WaitingRecords, waitingOf } from "./waiting-records.ts";
import { presentOf } from "../sent-version.ts";

export interface JoinSpec {
  readonly name: string;
  readonly table: TableSpec;
  /** The key's fields, in order. */
  readonly keyFields: readonly string[];
  /** What a record and its row become. */
  readonly combine: (record: never, row: never) => unknown;
  /** Whether records without a row are kept. */
  readonly type: "left" | "inner";
  /** Milliseconds that records wait beyond the watermark. */
  readonly allowedLateness: number;
  /** What records that wait must agree with, or lead to. */
  readonly versions: VersionedShape;
  /** Milliseconds by which this operator's watermark trails the task's. */
  readonly delay: number;
}

/** What versions of the records that wait are named by. */
export const JOIN_RECORD = "record";

/** Where a join's results go. */
export interface JoinOutlets {
  readonly rows: Push;
  readonly side: (name: string) => Push | undefined;
}

/** A record, and the row that it is joined with, if there is one. */
type Pair = readonly [record: unknown, row?: unknown];

/**
 * Joins records with the version of their row that was valid at the record's time (Flink: an event-time temporal join). A
 * record waits until the watermark has passed its time, when every change up to then has come: so the result does not
 * depend on the order in which the two streams come. What is late is counted as such: a record leaves by `late`, and a
 * change, which leaves by `lateChanges`, counts for the records that have not been joined.
 *
 * State: {@link RowVersions} and {@link WaitingRecords}.
 */
export class TemporalJoin implements TimedOperator, ExpiringOperator {
  readonly name: string;
  readonly #spec: JoinSpec;
  readonly #context: OperatorContext;
  readonly #counts: OperatorCounters;
  readonly #outlets: JoinOutlets;
  readonly #rows: RowVersions;
  readonly #waiting: WaitingRecords;
  readonly #frontier: Frontier;

  constructor(spec: JoinSpec, context: OperatorContext, outlets: JoinOutlets) {
    const { name, table } = spec;
    this.name = name;
    this.#spec = spec;
    this.#context = context;
    this.#counts = context.state.counters.of(this.name);
    this.#outlets = outlets;
    this.#rows = new RowVersions(name, context.state, table.keepRemoved);
    this.#waiting = new WaitingRecords(name, context.state);
    this.#frontier = new Frontier(context.state, waitingOf(name), this.#wait);
  }

  readonly push: Push = (value, meta) => {
    const context = this.#context;
    context.enter(this.name);
    this.#counts.in.add();
    const { time, key, keyCode } = meta;
    if (this.#frontier.isClosed(time, key)) {
      this.#counts.late.add();
      this.#outlets.side("late")?.(value, meta);
      return;
    }
    checkRange(context.state, key);
    this.#waiting.add(time, keyCode, storableCopy(value, `A record of join("${this.name}")`));
    context.state.traces.hold(this.name, keyCode, time, time, context.traces());
  };

  /** Takes the table's changes. */
  readonly pushOther: Push = (sent, meta) => {
    const { name } = this;
    const context = this.#context;
    context.enter(name);
    this.#counts.in.add();
    const { order, tie, row } = this.#rowIn(sent);
    const { time, key, keyCode } = meta;
    const closed = this.#closedFor(key);
    const isLate = time < closed;
    // Who has forgotten a removal would take what it removed for new.
    if (isLate && time <= closed - this.#spec.table.keepRemoved && !this.#rows.knows(keyCode, closed)) {
      throw tooLate(this.#spec);
    }
    checkRange(context.state, key);
    const version: RowVersion = row === undefined ? [time, order, tie] : [time, order, tie, row.is];
    const added = this.#rows.add(keyCode, version, closed);
    const isToldLate = isLate && added !== "known";
    this.#counts[isToldLate ? "late" : added === "added" ? "folded" : "filtered"].add();
    if (isToldLate) this.#outlets.side("lateChanges")?.({ at: time, row: readable(row?.is) }, meta);
  };

  nextDue(): number {
    return this.#frontier.dueOf(this.#waiting.least);
  }

  *closeUpTo(watermark: number): Generator<Unit> {
    while (this.nextDue() <= watermark) {
      const time = this.#waiting.least;
      for (const { keyCode, value } of this.#waiting.take(time)) {
        const row = this.#rows.at(keyCode, time);
        yield this.#unit(time, keyCode, row === undefined || row.length === 3 ? [value] : [value, row[3]]);
      }
      this.#context.state.traces.forget(this.name, time);
    }
  }

  expireUpTo(watermark: number): void {
    const closed = this.#closedAt(watermark);
    this.#waiting.close(closed);
    this.#rows.forget(closed);
  }

  unitOf({ keyCode, about, content }: StoredUnit, from?: PartOrigins): Unit {
    const { time } = about as { readonly time: number };
    if (!Array.isArray(content) || content.length < 1 || content.length > 2) throw noPair(this.name);
    const migrated = content.map((one: unknown, i) => {
      const migrate = from?.origins[i]?.migrate;
      return migrate === undefined ? one : migrate(one);
    });
    return this.#unit(time, keyCode, migrated as unknown as Pair);
  }

  /** A record that is joined, as a unit of its own (X7): should it fail, what it was to be joined with is kept with it. */
  #unit(time: number, keyCode: string, pair: Pair): Unit {
    const context = this.#context;
    const key = decodeKey(this.#spec.keyFields, keyCode);
    const traces = context.state.traces.of(this.name, keyCode, { start: time, end: time + 1 });
    return {
      operator: this.name,
      describe: () => ({ kind: "pane", key, about: { time }, content: pair, table: waitingOf(this.name) }),
      run: () => context.traced(traces, () => this.#join({ time, key, keyCode }, pair)),
    };
  }

  #join(meta: Meta, pair: Pair): void {
    const { combine, type } = this.#spec;
    const context = this.#context;
    context.enter(this.name);
    if (pair.length === 1 && type === "inner") return this.#counts.filtered.add();
    const joined = combine(readable(pair[0]) as never, readable(pair[1]) as never);
    refusePromise(this.name, joined);
    this.#counts.folded.add();
    this.#outlets.rows(joined, meta);
  }

  #rowIn(sent: unknown) {
    const { name } = this.#spec.table;
    const [version, order, tie, ...rest] = Array.isArray(sent) ? (sent as unknown[]) : [];
    if (!Number.isSafeInteger(version) || !isOrder(order) || typeof tie !== "string" || rest.length > 1) {
      throw noElement(name);
    }
    return { order, tie, row: rest.length === 0 ? undefined : { is: this.#present(version as number, rest[0]) } };
  }

  /** A row of the version that was sent as one of this build's. */
  #present(version: number, row: unknown): unknown {
    const { name, versions } = this.#spec.table;
    const sent = { shape: TABLE_ROW, versions, code: "table/version", noun: "A row", through: `toTable("${name}")` };
    return presentOf(sent, version, row);
  }

  /** Milliseconds from a record's time to when it is joined, by the task's watermark: changes of its own time may come until then. */
  get #wait(): number {
    return this.#spec.delay + this.#spec.allowedLateness + 1;
  }

  /** The event time before which a key's records have been joined, though records wait longer since. */
  #closedFor(key: KeyValues): number {
    return Math.max(this.#closedAt(this.#frontier.watermarkOf(key)), this.#frontier.closedSpaceOf(key) + 1);
  }

  #closedAt(watermark: number): number {
    return trailing(watermark, this.#wait - 1);
  }
}

const isOrder = (order: unknown): order is VersionOrder | null =>
  order === null || ["string", "number", "bigint"].includes(typeof order);

const noElement = (table: string) =>
  poisonError({
    code: "table/element",
    message: `What came through toTable("${table}") is none of its changes.`,
    advice: "Only stages of the pipeline may write to internal streams.",
  });

const tooLate = ({ name, table }: JoinSpec) =>
  poisonError({
    code: "join/late",
    message: `A change for join("${name}") comes more than ${table.keepRemoved} ms of event time late, and of its row nothing is known: a removal that old may be forgotten.`,
    advice: "Put it into the source again with the present time, or raise the table's keepRemoved.",
  });

const noPair = (name: string) =>
  systemicError({
    code: "state/join",
    message: `A dead letter of operator "${name}" holds what is no record with its row.`,
    advice: "Deploy the build that wrote it, and redrive it there.",
  });
