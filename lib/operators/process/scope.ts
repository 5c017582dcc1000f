import { systemicError } from "../../errors.ts";
import { partKey } from "../../state/entry-key.ts";
import type { TaskState } from "../../state/task-state.ts";
import { checkRange } from "../key-range.ts";
import type { Meta } from "../operator.ts";

/** The key, record or timer that user code is called for. */
export interface Call {
  readonly meta: Meta;
  /** How far event time has come for the key. */
  readonly watermark: number;
  /** Processing time. */
  readonly now: number;
  /** Which timer fires, and for when; undefined for a record. */
  readonly timer: { readonly domain: "event" | "processing"; readonly at: number } | undefined;
}

/** What cells belong to. */
export interface CellScope {
  readonly operator: string;
  /** What expires at or before it is not seen. */
  readonly clock: number;
  /** Event time of what is written. */
  readonly time: number;
  /** The code of the key, or of what else the cells' parts are of. */
  readonly keyCode: string;
  /** Called before there is state of it. @throws poison error `source/key-range` */
  checkRange(): void;
}

/** What an operator's cells and timers belong to while user code is called: there is one call at a time. */
export class Scope implements CellScope {
  readonly operator: string;
  readonly #state: TaskState;
  #call: Call | undefined = undefined;
  /** Whether the call's key was found to be in the task's range. */
  #isInRange = false;

  constructor(operator: string, state: TaskState) {
    this.operator = operator;
    this.#state = state;
  }

  /** User code is called: it must have ended before {@link end}, which must come, whatever it throws. */
  begin(call: Call): void {
    this.#call = call;
    this.#isInRange = false;
  }

  end(): void {
    this.#call = undefined;
  }

  /** Runs user code, which must have ended when this returns. */
  during(call: Call, work: () => void): void {
    this.begin(call);
    try {
      work();
    } finally {
      this.end();
    }
  }

  /** @throws systemic error `process/ended` when user code kept the context and uses it later */
  get call(): Call {
    if (this.#call !== undefined) return this.#call;
    throw systemicError({
      code: "process/ended",
      message: `Operator "${this.operator}" was asked for state or timers after its function had ended.`,
      advice: "Use the context inside of onRecord and onTimer only, and not in callbacks or promises.",
    });
  }

  get time(): number {
    return this.call.meta.time;
  }

  get clock(): number {
    const { meta, watermark } = this.call;
    return Math.max(meta.time, watermark);
  }

  get keyCode(): string {
    return this.call.meta.keyCode;
  }

  /** The key of a part of the state. */
  partKey(part: string): string {
    return partKey(this.keyCode, part);
  }

  checkRange(): void {
    if (this.#isInRange) return;
    checkRange(this.#state, this.call.meta.key);
    this.#isInRange = true;
  }
}
