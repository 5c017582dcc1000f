import type { SourceDeclaration } from "../../pipeline/source.ts";
import { idleOf, producersOf, type Stage } from "../../plan/stage.ts";
import { DEAD_LETTERS } from "../../runtime/dead-letter.ts";
import type { SinkWriter } from "../../runtime/sink-writer.ts";
import { TICKS, ticksOf } from "../../runtime/tick.ts";
import { comparePositions } from "../../state/position.ts";
import { taskName } from "../../state/task-id.ts";
import { Environments, type Environment } from "./environments.ts";
import { SimulatedFunction } from "./function.ts";
import type { LedgerTask } from "./ledger.ts";
import { Mapping } from "./mapping.ts";
import { ShuffleStream } from "./shuffle-stream.ts";
import type { Simulation } from "./simulation.ts";
import { SimulatedSink } from "./sinks.ts";
import { SimulatedStream, type Shard, type StreamRecord } from "./stream.ts";
import { TickQueue } from "./tick-queue.ts";

/** A function runs no longer: milliseconds. */
const FUNCTION_TIMEOUT = 300_000;

/** A stage as it is deployed: a stream, a function that reads it, its mapping, and a queue of its ticks. */
export class SimulatedStage {
  readonly #simulation: Simulation;
  readonly plan: Stage;
  readonly name: string;
  readonly stream: SimulatedStream;
  /** The stream once more, where other stages write to it. */
  readonly shuffle: ShuffleStream | undefined;
  readonly ticks: TickQueue;
  readonly function: SimulatedFunction;
  readonly environments: Environments;
  readonly mapping: Mapping;
  readonly #lastUser = new Map<Shard, number>();
  readonly #users = new Map<Shard, Set<number>>();

  /** @param place what its places of faults begin with, and names of its numbers */
  constructor(simulation: Simulation, plan: Stage, place: string, sinks: ReadonlyMap<string, SinkWriter>) {
    this.#simulation = simulation;
    this.plan = plan;
    this.name = plan.name;
    const { clock, faults, draws, settings, changelog, objects, network } = simulation;
    const trace = simulation.isTraced ? (what: string) => simulation.tell(what) : undefined;
    const kill = (...of: Parameters<Environments["kill"]>) => this.environments.kill(...of);
    const shards = plan.input.kind === "source" ? settings.shards : settings.internalShards;
    const stream = new SimulatedStream(clock, shards, settings.retention, draws.stream(`${place}sequences`), place);
    this.stream = stream;
    if (plan.input.kind === "shuffle") {
      this.shuffle = new ShuffleStream({
        name: plan.name,
        stream,
        faults,
        mapping: () => this.mapping,
        ledger: () => simulation.ledger,
      });
    }
    this.ticks = new TickQueue({
      clock,
      faults,
      place,
      consume: (message, receives, end) =>
        this.environments.invoke(
          `a ${message.type}`,
          (runtime) => runtime.control(message, receives),
          (outcome) => {
            simulation.hear(outcome);
            end(outcome);
          },
        ),
    });
    const ticksFor = (sink: string, queue: () => TickQueue): [string, SinkWriter] => {
      const take: ConstructorParameters<typeof SimulatedSink>[3] = (delivery) => {
        trace?.(`${sink} takes ${delivery.id}`);
        simulation.ledger.deliver(sink, delivery.id, delivery.body);
        queue().take(delivery);
      };
      return [sink, new SimulatedSink(sink, faults, false, take, place)];
    };
    const own = new Set([...plan.sinks.map(({ name }) => name), DEAD_LETTERS]);
    const writers = new Map<string, SinkWriter>([
      ...[...sinks].filter(([name]) => own.has(name)),
      ticksFor(TICKS, () => this.ticks),
      ...producersOf(plan).map((producer) => ticksFor(ticksOf(producer), () => simulation.stageNamed(producer).ticks)),
    ]);
    this.function = new SimulatedFunction({
      settings,
      plan,
      clock,
      draws,
      stream,
      shuffle: this.shuffle,
      readers: () => new Map(plan.shuffles.map(({ stage }) => [stage, simulation.stageNamed(stage).shuffle!])),
      world: { changelog, objects, partitions: stream, writers },
      gateOf: (environment) => network.gateOf(environment, kill),
      kill,
      effects: simulation.effects,
      trace,
    });
    this.environments = new Environments({
      clock,
      faults,
      draws: draws.stream(`${place}environments`),
      place,
      newNumber: simulation.newNumber,
      most: settings.environments,
      concurrency: settings.concurrency,
      timeout: FUNCTION_TIMEOUT,
      start: (environment) => this.function.start(environment),
      trace,
    });
    this.mapping = new Mapping({
      clock,
      faults,
      draws,
      stream,
      batchSize: settings.batchSize,
      longestPause: 180_000,
      invoke: (shard, batch, end) =>
        this.environments.invoke(
          `${batch.length} records of ${shard.place}`,
          (runtime, environment) => {
            this.#countStale(shard, environment);
            return runtime.records(
              shard.id,
              batch.map(({ incoming }) => incoming),
            );
          },
          (outcome, environment) => {
            simulation.hear(outcome);
            end(outcome, environment);
          },
        ),
      onSuccess: (shard, batch) => this.#checkSuccess(shard, batch),
    });
  }

  /** The source that it reads, if it reads one. */
  get source(): SourceDeclaration | undefined {
    const { input } = this.plan;
    return input.kind === "source" ? input.source : undefined;
  }

  /** Milliseconds of silence after which its event time moves by itself. */
  get idle(): number {
    return idleOf(this.plan);
  }

  /** Whether it reads others, and its stream forgot something before it was read. */
  get hasForgotten(): boolean {
    return this.shuffle !== undefined && this.stream.shards.some(({ records }) => records.some((one) => one.dropped));
  }

  readonly nameOf = (shard: Shard): string => {
    const { pipeline, generation, stage, source, incarnation } = this.function.stage;
    return taskName({ pipeline, generation, stage, source, incarnation, partition: shard.id });
  };

  /** The task of a shard, if it has commits. */
  readonly taskOf = (shard: Shard): LedgerTask | undefined => this.#simulation.ledger.tasks.get(this.nameOf(shard));

  #countStale(shard: Shard, { number }: Environment): void {
    let users = this.#users.get(shard);
    if (users === undefined) this.#users.set(shard, (users = new Set()));
    if (users.has(number) && this.#lastUser.get(shard) !== number) this.#simulation.effects.stale++;
    users.add(number);
    this.#lastUser.set(shard, number);
  }

  /** X5: what counts as done is committed and delivered. */
  #checkSuccess(shard: Shard, batch: readonly StreamRecord[]): void {
    const { fail } = this.#simulation;
    const last = batch.at(-1)!.incoming.position;
    const commits = this.taskOf(shard)?.commits;
    const commit = commits?.find(({ commit: { header } }) => comparePositions(header.position, last) >= 0);
    if (commit === undefined) {
      fail("X2", `A batch of ${shard.place} up to ${last.sequence} counts as done and is in no commit.`);
    } else if (commit.undelivered > 0) {
      fail(
        "X5",
        `A batch of ${shard.place} up to ${last.sequence} counts as done, and commit ${commit.stored.epoch} has ` +
          `${commit.undelivered} outputs that were not delivered.`,
      );
    }
  }
}
