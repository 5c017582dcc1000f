import type { StateShapes } from "../state/commit.ts";
import type { TableDeltas } from "../state/task-state.ts";
import type { ExpiringOperator, OperatorContext, Push, TimedOperator } from "./operator.ts";

/** A stage bound to one task's state. */
export interface StageInstance {
  readonly push: Push;
  /** In topological order: one's panes may fall into the next one's windows. */
  readonly timed: readonly TimedOperator[];
  readonly expiring: readonly ExpiringOperator[];
}

/** A stage that can be run: operators with their user code, without any state. */
export interface StageProgram {
  readonly pipeline: string;
  readonly name: string;
  readonly shapes: StateShapes;
  readonly bind: (context: OperatorContext) => StageInstance;
  /** The partition key of a key as an operator's table has it. */
  readonly partitionKeyOf: (operator: string, keyCode: string) => string;
  /** Checks what comes out of storage. Throws systemic errors for what does not fit. */
  readonly restore: (tables: TableDeltas) => TableDeltas;
}
