import { Measures } from "../operators/measures.ts";
import type { Measure } from "../operators/metric.ts";
import type { Output } from "../state/commit.ts";
import type { TaskState } from "../state/task-state.ts";

/** What the next commit will say beside the state. Units of work are kept or undone as a whole, the state with them (X7). */
export class Draft {
  readonly #state: TaskState;
  readonly #measures = new Measures();
  #outputs: Output[] = [];
  /** Outputs before the unit at work. */
  #kept = 0;

  constructor(state: TaskState) {
    this.#state = state;
  }

  send(output: Output): void {
    this.#outputs.push(output);
  }

  /** Whether it has outputs for a sink. */
  sendsTo(sink: string): boolean {
    return this.#outputs.some((output) => output.sink === sink);
  }

  measure(measure: Measure): void {
    this.#measures.add(measure);
  }

  /** Starts a unit of work. */
  begin(): void {
    this.#state.beginUnit();
    this.#measures.begin();
    this.#kept = this.#outputs.length;
  }

  /** Takes back all that the unit did. */
  undo(): void {
    this.#state.undoUnit();
    this.#measures.undo();
    this.#outputs.length = this.#kept;
  }

  /** The outputs since the last call. */
  takeOutputs(): readonly Output[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** What metrics have summed up since the last call. */
  takeMeasures(): readonly Measure[] {
    return this.#measures.take();
  }
}
