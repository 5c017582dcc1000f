import { MillraceError } from "../../errors.ts";
import type { Sink } from "../../pipeline/sink.ts";
import {
  operatorOf,
  type Handle,
  type InsideDeduplicate,
  type InsideEnrich,
  type InsideJoin,
  type InsideProcess,
  type InsideWindow,
} from "../../pipeline/handle.ts";
import type { Source, SourceDeclaration } from "../../pipeline/source.ts";
import type { Table, TableDeclaration } from "../../pipeline/table.ts";
import { nodesOf, type Node, type NodeOf, type Pipeline } from "../../pipeline/topology.ts";
import { DEAD_LETTERS, type DeadLetter } from "../../runtime/dead-letter.ts";
import type { Measure } from "../../runtime/observer.ts";
import { pathsOf, type TracePath } from "../../runtime/trace-paths.ts";
import type { OperatorCounts } from "../../state/counters.ts";
import { isWithin } from "../../state/hash-range.ts";
import { encodeKey, type KeyValue, type KeyValues } from "../../state/key.ts";
import { toMillis, type Duration } from "../../time/duration.ts";
import { drained, noHandle, otherKey, severalStages, stopped, unknownName, unwanted } from "./driver-errors.ts";
import { checkOptions, type TestDriverOptions } from "./driver-options.ts";
import { DriverRun, type DriverStage } from "./driver-run.ts";
import { cellsOf, idsOf, joinOf, operatorCellsOf, timersOf, type Place } from "./keyed-state-of.ts";
import type { Answering } from "./driver-lookups.ts";
import { openWindowsOf } from "./open-windows-of.ts";
import { producedJson, producedKey } from "./produced.ts";
import type { JoinView, OpenWindow, StateView, TimersView } from "./views.ts";

/** The operators whose handles say which stage they are in. */
const OPERATORS = ["keyBy", "window", "process", "deduplicate", "join", "enrich"] as const;

/**
 * Runs a pipeline in this process, all stages of it, each record at once: for tests. What it says is what the runtime
 * does with batches of one record each; it has no stores, and no clock but the one that {@link TestDriver.advanceTime}
 * moves.
 *
 * @example
 * const driver = testDriver(flightDelays, { start: Date.UTC(2001, 0, 1) });
 * driver.push(departures, { origin: "ORD", destination: "DEN", departedAt: Date.UTC(2001, 0, 1), delay: 4, distance: 900 });
 * driver.drain();
 * driver.read(hourlyDelays).length === 1;
 *
 * @throws definition errors for options that cannot be
 */
export function testDriver(pipeline: Pipeline, options: TestDriverOptions = {}): TestDriver {
  return new TestDriver(pipeline, options);
}

/** See {@link testDriver}. */
export class TestDriver {
  readonly #pipeline: Pipeline;
  readonly #options: TestDriverOptions;
  readonly #run: DriverRun;
  #pushed = 0;
  #isDrained = false;
  #failure: { readonly cause: unknown } | undefined = undefined;

  constructor(pipeline: Pipeline, options: TestDriverOptions) {
    this.#pipeline = pipeline;
    this.#options = options;
    this.#run = new DriverRun(pipeline, checkOptions(options));
  }

  /** Where the clock stands, epoch milliseconds. */
  get now(): number {
    return this.#run.now;
  }

  /**
   * Puts a record as producers do, as JSON under its partition key, and has all stages read what follows from it.
   *
   * @param options the partition key, where it is not to be that of the record's key
   * @throws definition errors `driver/unknown`, `driver/no-json`, `driver/drained`, `driver/dead-letter`;
   *   systemic errors, which would have the task stand still
   */
  push<P>(
    source: Source<unknown, unknown, P>,
    record: NoInfer<P>,
    options: { readonly partitionKey?: string } = {},
  ): void {
    const declared = this.#sourceOf(source);
    const json = producedJson(source.name, record);
    const key = options.partitionKey ?? producedKey(declared, json, this.#pushed);
    this.#put(declared, Buffer.from(json), key);
  }

  /** Puts a payload as it is: for what is no JSON, or does not fit the schema. See {@link push}. */
  pushRaw(source: SourceDeclaration, payload: string | Uint8Array, partitionKey = "raw"): void {
    this.#put(this.#sourceOf(source), Buffer.from(payload as Uint8Array), partitionKey);
  }

  /**
   * Lets time pass: timers in processing time fire, and event time moves where a source has been silent for longer than
   * its `idle`.
   */
  advanceTime(duration: Duration): void {
    const millis = toMillis(duration, "driver.advanceTime()");
    this.#drive(() => this.#run.advance(millis));
  }

  /** Says that the input has ended: all windows close and timers in event time fire, through all stages. */
  drain(): void {
    this.#drive(() => this.#run.drain());
    this.#isDrained = true;
  }

  /** Writes all state and reads it back, as if every process had begun anew. @throws systemic errors naming the state */
  restart(): void {
    this.#drive(() => this.#run.restart());
  }

  /**
   * Says what is found where the pipeline looks something up: in a table, or by the call of an `enrich`. A function that
   * throws is a lookup that fails.
   *
   * @param where a table, or the `enrich`'s handle
   * @throws definition errors `driver/unknown`, `driver/handle`
   */
  answer<Q extends KeyValue, V>(
    where: Table<V, Q> | Handle<InsideEnrich<Q, V>>,
    answer: (key: NoInfer<Q>) => NoInfer<V> | undefined,
  ): void {
    const { tables, calls } = this.#run.lookups;
    const enrichments = nodesOf(this.#pipeline, "enrich");
    if ((where as Partial<TableDeclaration>).kind === "table") {
      const { name } = where as TableDeclaration;
      const known = enrichments.flatMap(({ table }) => (table === undefined ? [] : [table.name]));
      if (!known.includes(name)) throw unknownName(this.#pipeline.name, "table", name, known);
      tables.set(name, answer as Answering);
    } else {
      const { name, table } = this.#nodeOf("answer()", where, ["enrich"]);
      if (table === undefined) calls.set(name, answer as Answering);
      else tables.set(table.name, answer as Answering);
    }
  }

  /** The rows that a sink has received since they were last read, as its columns declare them. */
  read<R>(sink: Sink<R>): R[] {
    const known = nodesOf(this.#pipeline, "sink");
    const node = known.find(({ name }) => name === sink.name);
    if (node === undefined) throw this.#unknown("sink", sink.name, known);
    return this.#take(sink.name).map(({ body }) => node.sink.decode(body) as R);
  }

  /** What could not be processed since this was last asked for. */
  deadLetters(): DeadLetter[] {
    return this.#take(DEAD_LETTERS).map(letterOf);
  }

  /** What became of records, per operator. */
  counters(): Readonly<Record<string, OperatorCounts>> {
    const sums: Record<string, OperatorCounts> = {};
    for (const { tasks } of this.#run.stages.values()) {
      for (const { state } of tasks) {
        for (const [operator, counts] of state.counters.byOperator()) sums[operator] = sumOf(sums[operator], counts);
      }
    }
    return sums;
  }

  /** What each metric of the pipeline has added up to so far, per combination of its dimensions that there was. */
  metrics(): readonly Measure[] {
    return this.#run.measures.all();
  }

  /** What became of each trace so far, commit after commit, where a source has a `trace`: in the order in which they came. */
  traces(): readonly TracePath[] {
    return pathsOf(this.#run.spans);
  }

  /** How many records came too late, per operator where any did. The records themselves are in its stream `late`. */
  get late(): Readonly<Record<string, number>> {
    const counted = Object.entries(this.counters()).map(([operator, { late }]) => [operator, late] as const);
    return Object.fromEntries(counted.filter(([, late]) => late > 0));
  }

  /**
   * How far event time has come, epoch milliseconds: the least of the stage's shards. `Number.MIN_SAFE_INTEGER` before
   * the first record, `Number.MAX_SAFE_INTEGER` once drained.
   *
   * @param where a source, or the handle of an operator with a key: the stage that it is in. That of a `keyBy` is the
   *   stage that it leads to. Needed where there are several stages
   */
  watermark(where?: SourceDeclaration | Handle): number {
    return Math.min(...this.#stageOf(where).tasks.map(({ state }) => state.watermark));
  }

  /**
   * What a process function's state holds for a key, by the cells' names: values, lists as arrays, maps as Maps. What a
   * `deduplicate` has seen: `{ seen }`, a Map of the ids with the event times of the records passed on. What a `join` knows of a
   * row, and the records that wait for it: `{ versions, waiting }`.
   */
  state<K, S>(operator: Handle<InsideProcess<K, S, unknown>>, key: NoInfer<K>): StateView<S>;
  state<K>(
    operator: Handle<InsideDeduplicate<K>>,
    key: NoInfer<K>,
  ): { readonly seen: ReadonlyMap<KeyValue, readonly number[]> };
  state<K, T, V>(operator: Handle<InsideJoin<K, T, V>>, key: NoInfer<K>): JoinView<T, V>;
  state(operator: Handle, key: unknown): unknown {
    const node = this.#nodeOf("state()", operator, ["process", "deduplicate", "join"]);
    const place = this.#placeOf(node, key);
    if (node.kind === "join") return joinOf(node, place);
    return node.kind === "process" ? cellsOf(node, place) : { seen: idsOf(node, place) };
  }

  /** What a process function's operator state holds, by the cells' names: of each shard of what its stage reads, in order. */
  operatorState<O>(operator: Handle<InsideProcess<unknown, unknown, unknown, O>>): readonly StateView<O>[] {
    const node = this.#nodeOf("operatorState()", operator, ["process"]);
    return this.#stageWith(node).tasks.map(({ state }) => operatorCellsOf(node, state) as StateView<O>);
  }

  /** When each of a key's timers that is set will fire, by name: epoch milliseconds of its kind of time. */
  timers<K, Tm>(operator: Handle<InsideProcess<K, unknown, Tm>>, key: NoInfer<K>): TimersView<Tm> {
    const node = this.#nodeOf("timers()", operator, ["process"]);
    return timersOf(node, this.#placeOf(node, key));
  }

  /** The windows that are open for a key, in the order of their ends, with what their rows would be now. */
  windows<K, R>(operator: Handle<InsideWindow<K, R>>, key: NoInfer<K>): readonly OpenWindow<R, K>[] {
    const node = this.#nodeOf("windows()", operator, ["window"]);
    const { state, keyCode } = this.#placeOf(node, key);
    return openWindowsOf(node, state, keyCode) as readonly OpenWindow<R, K>[];
  }

  #put({ name }: SourceDeclaration, payload: Buffer, partitionKey: string): void {
    if (this.#isDrained) throw drained(`push("${name}")`);
    const { restartEvery } = this.#options;
    this.#pushed++;
    this.#drive(() => {
      this.#run.stages.get(name)!.stream.takeBytes(partitionKey, payload);
      this.#run.run();
      if (restartEvery !== undefined && this.#pushed % restartEvery === 0) this.#run.restart();
    });
  }

  #drive(work: () => void): void {
    if (this.#failure !== undefined) throw stopped(this.#failure.cause);
    const before = this.#run.delivered.get(DEAD_LETTERS)?.length ?? 0;
    try {
      work();
    } catch (cause) {
      // What was not looked up comes again; all else is the end, as it is of a task.
      const comesAgain =
        cause instanceof MillraceError && (cause.kind === "infrastructure" || cause.kind === "definition");
      if (!comesAgain) this.#failure = { cause };
      throw cause;
    }
    if (this.#options.deadLetters !== "throw") return;
    const letter = this.#run.delivered.get(DEAD_LETTERS)?.[before];
    if (letter !== undefined) throw unwanted(letterOf(letter));
  }

  #take(sink: string) {
    const taken = this.#run.delivered.get(sink) ?? [];
    this.#run.delivered.delete(sink);
    return taken;
  }

  #sourceOf({ name }: SourceDeclaration): SourceDeclaration {
    const sources = nodesOf(this.#pipeline, "source");
    const node = sources.find((one) => one.name === name);
    if (node === undefined) throw this.#unknown("source", name, sources);
    return node.source;
  }

  #nodeOf<K extends Node["kind"]>(method: string, handle: unknown, kinds: readonly K[]): NodeOf<K> {
    const node = operatorOf(handle);
    if (node === undefined || !(kinds as readonly string[]).includes(node.kind)) throw noHandle(method);
    if (!this.#pipeline.nodes.includes(node)) throw this.#unknown(node.kind, node.name, this.#pipeline.nodes);
    return node as NodeOf<K>;
  }

  #stageOf(where: SourceDeclaration | Handle | undefined) {
    const stages = [...this.#run.stages.values()];
    if (where === undefined && stages.length === 1) return stages[0]!;
    if (where === undefined) throw severalStages(stages.map(({ stage }) => stage.name));
    if ((where as Partial<SourceDeclaration>).kind === "source") {
      return this.#run.stages.get(this.#sourceOf(where as SourceDeclaration).name)!;
    }
    return this.#stageWith(this.#nodeOf("watermark()", where, OPERATORS));
  }

  /** The stage that an operator is in; a `keyBy`'s is the one that begins with it. */
  #stageWith(node: Node): DriverStage {
    const index = this.#pipeline.nodes.indexOf(node);
    const stages = [...this.#run.stages.values()].filter(({ stage }) => stage.nodes.includes(index));
    return stages.find(({ stage }) => stage.roots.includes(index)) ?? stages[0]!;
  }

  #placeOf(node: NodeOf<"process" | "deduplicate" | "window" | "join">, keyOfUser: unknown): Place {
    const pipeline = this.#pipeline;
    const { name, keyFields } = node;
    const key = keyOfUser as KeyValues;
    const given = Object.keys(key);
    if (given.length !== keyFields.length || !keyFields.every((field) => given.includes(field))) {
      throw otherKey(name, keyFields, given);
    }
    const ordered = Object.fromEntries(keyFields.map((field) => [field, key[field]!]));
    const { tasks } = this.#stageWith(node);
    const task = tasks.find(({ partition, state }) => isWithin(partition.range, state.hashOf(ordered)))!;
    return { pipeline, state: task.state, key: ordered, keyCode: encodeKey(ordered) };
  }

  #unknown(what: string, name: string, known: readonly Node[]) {
    return unknownName(
      this.#pipeline.name,
      what,
      name,
      known.map((node) => node.name),
    );
  }
}

const letterOf = ({ id, body }: { readonly id: string; readonly body: string }): DeadLetter => ({
  ...(JSON.parse(body) as DeadLetter),
  id,
});

function sumOf(a: OperatorCounts | undefined, b: OperatorCounts): OperatorCounts {
  const sum = { ...b };
  for (const field of Object.keys(b) as (keyof OperatorCounts)[]) sum[field] += a?.[field] ?? 0;
  return sum;
}
