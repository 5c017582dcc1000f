import type { Measure } from "../operators/metric.ts";
import type { OperatorCounts } from "../state/counters.ts";
import type { BreakerState } from "./circuit-breaker.ts";
import type { HotKey } from "./hot-key.ts";
import type { Loss } from "./source-partitions.ts";
import type { Span } from "./spans.ts";

export type { Measure, Span };

/** What a turn did, for logs and metrics. */
export interface TurnReport {
  readonly task: string;
  readonly trigger: "records" | "tick" | "drain" | "sweep" | "seal" | "redrive";
  readonly epoch: number;
  /** Records given, and how many of them were new. */
  readonly records: number;
  readonly folded: number;
  /** What became of records in this turn, per operator. */
  readonly counts: ReadonlyMap<string, OperatorCounts>;
  /** The key that most of the turn's records were of, where they were many and of several keys. */
  readonly hotKey: HotKey | undefined;
  /** Entries in each operator's state. */
  readonly stateEntries: ReadonlyMap<string, number>;
  /** Bytes of the whole state as a checkpoint has it, compressed: an estimate. */
  readonly stateBytes: number;
  /** Bytes of memory that it takes at most: an estimate. */
  readonly stateMemory: number;
  readonly outputs: number;
  readonly watermark: number;
  /** What the watermark was when the turn began. */
  readonly watermarkBefore: number;
  /** Bytes of the commit's body; zero when nothing was committed. */
  readonly commitBytes: number;
  readonly spilled: boolean;
  readonly checkpointed: boolean;
  /** Bytes read beyond the head. */
  readonly catchUpBytes: number;
  /** Races lost to another writer (X1). */
  readonly conflicts: number;
  /** Heads delivered again because their delivery was not known (X5). */
  readonly redeliveries: number;
  /** Epoch milliseconds; undefined when there was nothing to commit or deliver. */
  readonly committedAt: number | undefined;
  readonly deliveredAt: number | undefined;
}

/** Is told what happens. Must not throw. */
export interface Observer {
  turn(report: TurnReport): void;
  /** What the pipeline's metrics add up to in a commit, once it is won and before anything of it is delivered. */
  measured?(task: string, epoch: number, measures: readonly Measure[]): void;
  /**
   * Of a commit that is traced: its span and its fold's, once it is won; and its delivery's, once it is delivered by the
   * process that made the commit.
   */
  traced?(task: string, epoch: number, spans: readonly Span[]): void;
  /** Records that left the source before anyone folded them (X6). May be told more than once of the same. */
  lost?(task: string, loss: Loss): void;
  /** A sink's circuit breaker, or that of an operator's lookups (`lookups:…`), is another now. */
  breaker?(name: string, state: BreakerState): void;
  /** Something is tried again within an invocation. */
  retried?(): void;
  /** Something worth a line in the log that did not fail the turn. */
  notice(task: string, what: string, cause?: unknown): void;
}
