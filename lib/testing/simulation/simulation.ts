import { MillraceError } from "../../errors.ts";
import { DEAD_LETTERS } from "../../runtime/dead-letter.ts";
import { InterruptedDelivery } from "../../runtime/sink-writer.ts";
import { TICKS } from "../../runtime/tick.ts";
import { comparePositions } from "../../state/position.ts";
import { END_OF_TIME } from "../../time/instant.ts";
import { taskName } from "../../state/task-id.ts";
import { SimulatedChangelog } from "./changelog.ts";
import { SimulatedClock } from "./clock.ts";
import { Draws } from "./draws.ts";
import { Environments, type Environment, type Outcome } from "./environments.ts";
import { Faults } from "./faults.ts";
import { checkDrain, checkHandover, checkIdleness } from "./checks/changelog.ts";
import { checkKills } from "./checks/kills.ts";
import { counterOf } from "./checks/lineage.ts";
import { SimulatedFunction } from "./function.ts";
import { Ledger, type Failure, type LedgerCommit, type LedgerTask } from "./ledger.ts";
import { Mapping } from "./mapping.ts";
import { Network } from "./network.ts";
import { SimulatedObjects } from "./objects.ts";
import type { Settings } from "./options.ts";
import { planPuts, Producer, type PlannedPut } from "./producer.ts";
import { NO_EFFECTS, type Effects } from "./result.ts";
import { SimulatedSink } from "./sinks.ts";
import { SimulatedStream, type Shard, type StreamRecord } from "./stream.ts";
import { TickQueue } from "./tick-queue.ts";

/** A function runs no longer: milliseconds. */
const FUNCTION_TIMEOUT = 300_000;

/** More failures than this say no more. */
const MOST_FAILURES = 20;

/** The share of runs whose last records come only when an operator says that the input has ended. */
const HELD_BACK = 0.1;

/** What a runtime says that must wait for another task, or for an operator. */
const OPERATORS_CASE = new Set(["poison/systemic", "process/kills"]);
/** What it says when something that it needs is gone. */
const LOUD_STOPS = new Set(["state/gone"]);

/** Everything that a simulation is made of, joined. */
export class Simulation {
  readonly settings: Settings;
  readonly clock: SimulatedClock;
  readonly draws: Draws;
  readonly faults: Faults;
  readonly stream: SimulatedStream;
  readonly objects = new SimulatedObjects();
  readonly changelog: SimulatedChangelog;
  readonly ledger: Ledger;
  readonly sinks = new Map<string, SimulatedSink>();
  readonly ticks: TickQueue;
  readonly network: Network;
  readonly environments: Environments;
  readonly function: SimulatedFunction;
  readonly mapping: Mapping;
  readonly failures: Failure[] = [];
  readonly trace: string[] = [];
  readonly #tips = new Map<string, number>();
  readonly effects: Effects = { ...NO_EFFECTS };
  /** The dead letters that an operator gave back, by id. */
  readonly redriven = new Set<string>();
  readonly #lastUser = new Map<Shard, number>();
  readonly #users = new Map<Shard, Set<number>>();
  /** Whether nothing goes wrong any more. */
  isSettling = false;
  /** When drains may have been sent: the watermark may then be at the end of time. */
  isDraining = false;
  stopped: string | undefined = undefined;
  /** When the last sink that was down is up again: epoch milliseconds. */
  outagesEnd = 0;
  readonly #isTraced: boolean;
  #builds = 1;
  #isMending = false;

  constructor(settings: Settings, isTraced: boolean) {
    this.settings = settings;
    this.#isTraced = isTraced;
    const { seed, rates, schedule, stage } = settings;
    const clock = (this.clock = new SimulatedClock(settings.start));
    const trace = isTraced ? (what: string) => this.tell(what) : undefined;
    const draws = (this.draws = new Draws(seed));
    const faults = (this.faults = new Faults(seed, rates, schedule.faults));
    this.stream = new SimulatedStream(clock, settings.shards, settings.retention, draws.stream("sequences"));
    this.ledger = new Ledger({
      now: () => clock.now,
      shardOf: (partition) => this.stream.shards.find(({ id }) => id === partition)!,
      objectOf: (key) => this.objects.objects.get(key),
      fail: this.fail,
      onCommit: (task, commit, before) => this.#checkCommit(task, commit, before),
    });
    this.changelog = new SimulatedChangelog((task, commit) => this.ledger.append(task, commit));
    this.network = new Network({
      clock,
      faults,
      draws,
      kill: (...of) => this.environments.kill(...of),
      onTip: (environment, partition) => this.#tips.set(`${environment.number} ${partition}`, clock.now),
      trace,
    });
    this.ticks = new TickQueue({
      clock,
      faults,
      consume: (message, receives, end) =>
        this.environments.invoke(
          `a ${message.type}`,
          (runtime) => runtime.control(message, receives),
          (outcome) => {
            this.#hear(outcome);
            end(outcome);
          },
        ),
    });
    const names = [...stage.sinks.map(({ name }) => name), DEAD_LETTERS, TICKS];
    for (const name of names) {
      const isOurs = name === DEAD_LETTERS || name === TICKS;
      const sink = new SimulatedSink(name, faults, !isOurs, (delivery) => {
        trace?.(`${name} takes ${delivery.id}`);
        this.ledger.deliver(name, delivery.id, delivery.body);
        if (name === TICKS) this.ticks.take(delivery);
      });
      this.sinks.set(name, sink);
    }
    const { stream, changelog, objects } = this;
    this.function = new SimulatedFunction({
      settings,
      clock,
      draws,
      stream,
      world: { changelog, objects, partitions: stream, writers: this.sinks },
      gateOf: (environment) => this.network.gateOf(environment),
      kill: (...of) => this.environments.kill(...of),
      effects: this.effects,
      trace,
    });
    this.environments = new Environments({
      clock,
      faults,
      draws: draws.stream("environments"),
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
          `${batch.length} records of ${shard.id}`,
          (runtime, environment) => {
            this.#countStale(shard, environment);
            return runtime.records(
              shard.id,
              batch.map(({ incoming }) => incoming),
            );
          },
          (outcome, environment) => {
            this.#hear(outcome);
            end(outcome, environment);
          },
        ),
      onSuccess: (shard, batch) => this.#checkSuccess(shard, batch),
    });
  }

  readonly fail = (check: string, message: string): void => {
    if (this.failures.length < MOST_FAILURES) this.failures.push({ check, message });
  };

  get isOver(): boolean {
    return this.failures.length > 0 || this.stopped !== undefined;
  }

  readonly nameOf = (shard: Shard): string => {
    const { pipeline, generation, stage, source, incarnation } = this.function.stage;
    return taskName({ pipeline, generation, stage, source, incarnation, partition: shard.id });
  };

  /** When the process that made a nonce last asked whether records wait: epoch milliseconds. */
  tipAskedAt(nonce: string, partition: string): number | undefined {
    return this.#tips.get(`${nonce.slice(0, nonce.indexOf("-"))} ${partition}`);
  }

  /** Adds a line to the trace. */
  readonly tell = (what: string): void => {
    if (this.#isTraced) this.trace.push(`${this.clock.now - this.settings.start} ${what}`);
  };

  /** Plans all puts. @returns when the last one is */
  plan(): number {
    const producer = new Producer(this.settings, this.faults, this.draws);
    const puts = [...planPuts(this.settings, this.draws)];
    const last = puts.at(-1)?.at ?? this.clock.now;
    const carryOut = (put: PlannedPut) => {
      const shards = new Set(producer.recordsOf(put).map((record) => this.stream.put(record).shard));
      for (const shard of shards) this.mapping.wake(shard);
    };
    if (this.draws.at("held back", 0) < HELD_BACK) {
      const held = puts.pop();
      if (held !== undefined) this.putLast = () => carryOut(held);
    }
    for (const put of puts) this.clock.at(put.at, () => carryOut(put));
    return last;
  }

  /** Puts what was held back until the input ends. */
  putLast = (): void => undefined;

  /** Another build: as good as the first, or broken for a while. */
  deploy(prefix = "build-"): void {
    this.environments.deploy(`${prefix}${++this.#builds}`);
  }

  /** X10: what stops a task loudly stops it until someone deploys. Everything else that is systemic is a defect. */
  #hear(outcome: Outcome): void {
    if (outcome.kind !== "threw") return;
    const { thrown } = outcome;
    if (thrown instanceof MillraceError) {
      if (thrown.kind === "infrastructure") return;
      if (OPERATORS_CASE.has(thrown.code)) return this.#mend();
      if (this.faults.counts["early-expiry"] > 0 && LOUD_STOPS.has(thrown.code)) {
        this.stopped = thrown.code;
        return;
      }
    }
    if (thrown instanceof InterruptedDelivery) return; // a sink's
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    this.fail("X10", `A turn threw what is no service's fault: ${text}`);
  }

  #countStale(shard: Shard, { number }: Environment): void {
    let users = this.#users.get(shard);
    if (users === undefined) this.#users.set(shard, (users = new Set()));
    if (users.has(number) && this.#lastUser.get(shard) !== number) this.effects.stale++;
    users.add(number);
    this.#lastUser.set(shard, number);
  }

  #mend(): void {
    if (this.#isMending) return;
    this.#isMending = true;
    this.clock.after(120_000, () => {
      this.#isMending = false;
      this.deploy();
    });
  }

  #checkCommit(task: LedgerTask, commit: LedgerCommit, before: LedgerCommit | undefined): void {
    checkHandover(this, task, commit);
    checkKills(this, task, commit);
    this.effects.redriven += commit.redriven.length;
    if (this.isDraining && before?.commit.header.watermark !== END_OF_TIME) {
      if (commit.commit.header.watermark === END_OF_TIME) checkDrain(this, task, commit);
    }
    if (before === undefined || this.isDraining) return;
    const name = `${this.settings.source.name} in`;
    const isMoved = commit.commit.header.watermark > before.commit.header.watermark;
    if (isMoved && counterOf(commit, name) === counterOf(before, name)) checkIdleness(this, task, commit);
  }

  /** X5: what counts as done is committed and delivered. */
  #checkSuccess(shard: Shard, batch: readonly StreamRecord[]): void {
    const task = this.ledger.taskOf(shard.id);
    const last = batch.at(-1)!.incoming.position;
    const commit = task?.commits.find(({ commit: { header } }) => comparePositions(header.position, last) >= 0);
    if (commit === undefined) {
      this.fail("X2", `A batch of ${shard.id} up to ${last.sequence} counts as done and is in no commit.`);
    } else if (commit.undelivered > 0) {
      this.fail(
        "X5",
        `A batch of ${shard.id} up to ${last.sequence} counts as done, and commit ${commit.stored.epoch} has ` +
          `${commit.undelivered} outputs that were not delivered.`,
      );
    }
  }
}
