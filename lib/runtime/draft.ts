import { Measures } from "../operators/measures.ts";
import type { Measure } from "../operators/metric.ts";
import type { Output } from "../state/commit.ts";
import type { TaskState } from "../state/task-state.ts";
import { NO_TRACES, unitedTraces, type Traceparent } from "../state/traceparent.ts";
import { CommitTraces, type TracedCommit } from "./commit-traces.ts";

/** What the next commit will say beside the state. Units of work are kept or undone as a whole, the state with them (X7). */
export class Draft {
  readonly #state: TaskState;
  readonly #measures = new Measures();
  readonly #traces = new CommitTraces();
  #outputs: Output[] = [];
  /** Outputs before the unit at work. */
  #kept = 0;

  constructor(state: TaskState) {
    this.#state = state;
  }

  /** Adds an output, made of what is at work. */
  send(output: Output): void {
    this.#traces.sent(this.#outputs.length);
    this.#outputs.push(output);
  }

  /** Whether it has outputs for a sink. */
  sendsTo(sink: string): boolean {
    return this.#outputs.some((output) => output.sink === sink);
  }

  measure(measure: Measure): void {
    this.#measures.add(measure);
  }

  /** The traces of what is at work. */
  get traces(): readonly Traceparent[] {
    return this.#traces.current;
  }

  /** What is at work is of these traces, too. */
  trace(traces: readonly Traceparent[]): void {
    if (traces.length > 0) this.#traces.enter(unitedTraces(this.traces, traces));
  }

  /** Does a part of the work that is of further traces. One that throws leaves them to its dead letter. */
  traced(traces: readonly Traceparent[], work: () => void): void {
    const before = this.traces;
    this.trace(traces);
    work();
    this.#traces.enter(before);
  }

  /** Starts a unit of work. */
  begin(): void {
    this.#traces.enter(NO_TRACES);
    this.#state.beginUnit();
    this.#measures.begin();
    this.#kept = this.#outputs.length;
  }

  /** Takes back all that the unit did. */
  undo(): void {
    this.#state.undoUnit();
    this.#measures.undo();
    this.#outputs.length = this.#kept;
    this.#traces.undo(this.#kept);
  }

  /** The outputs since the last call. */
  takeOutputs(): readonly Output[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** What is traced of the commit since the last call, if anything is: before or after its outputs were taken. */
  takeTraces(): TracedCommit | undefined {
    return this.#traces.take();
  }

  /** What metrics have summed up since the last call. */
  takeMeasures(): readonly Measure[] {
    return this.#measures.take();
  }
}
