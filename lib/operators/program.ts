import type { KeyHash } from "../state/hash-range.ts";
import type { KeyValues } from "../state/key.ts";
import type { StateShapes } from "../state/commit.ts";
import type { TableDeltas } from "../state/task-state.ts";
import type { StateContent } from "../state/structure.ts";
import type { RestoredState, SetAside, OperatorWay } from "./evolution/stage-state.ts";
import type { Writer } from "./evolution/state-errors.ts";
import type { EntryRestorer } from "./stateful.ts";
import type { Preparation } from "./preparation.ts";
import type { ExpiringOperator, OperatorContext, Push, TimedOperator } from "./operator.ts";

/** A stage bound to one task's state. */
export interface StageInstance {
  /** Where values enter, by the name of the source or of the `keyBy` they come through. */
  readonly enter: (entry: string) => Push | undefined;
  /** Sends on what was held back until the commit is made. */
  readonly flush: () => void;
  /** In topological order: one's panes may fall into the next one's windows. */
  readonly timed: readonly TimedOperator[];
  readonly expiring: readonly ExpiringOperator[];
}

/** What a stage tells those that read from it. */
export interface ProgramShuffle {
  /** The stage that reads: the sink of its elements and news. */
  readonly stage: string;
  /** Milliseconds by which its values come after their event time: the allowed lateness of the windows before. */
  readonly delay: number;
}

/** A stage that can be run: operators with their user code, without any state. */
export interface StageProgram {
  readonly pipeline: string;
  readonly name: string;
  readonly shapes: StateShapes;
  readonly shuffles: readonly ProgramShuffle[];
  readonly bind: (context: OperatorContext) => StageInstance;
  /** Comes before the fold, where operators look things up. */
  readonly preparation?: Preparation;
  /** What a key's partition is chosen by. */
  readonly hashOfKey: (key: KeyValues) => KeyHash;
  /** The same of a key as an operator's table has it. */
  readonly hashOf: (operator: string, key: string) => KeyHash;
  /** Makes one, per operator, of what several tasks have left to one that begins at a position of the hash range. */
  readonly unite: (tables: TableDeltas, position: KeyHash) => TableDeltas;
  /** Tables that every task has whole. */
  readonly replicated: ReadonlySet<string>;
  /** Checks what comes out of storage, and makes it this build's. Throws systemic errors for what does not fit. */
  readonly restore: (stored: StateContent, writer: Writer) => RestoredState;
  /** By table what checks an entry, where that can be done when it is read. */
  readonly entryRestorers: ReadonlyMap<string, EntryRestorer>;
  /**
   * How a pane or timer that any build set aside becomes this one's; nothing where its operator was dropped. Throws
   * systemic errors for what does not fit.
   */
  readonly wayOfUnit: (unit: SetAside) => OperatorWay | undefined;
}
