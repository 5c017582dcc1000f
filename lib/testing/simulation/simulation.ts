import { MillraceError } from "../../errors.ts";
import { DEAD_LETTERS } from "../../runtime/dead-letter.ts";
import { InterruptedDelivery } from "../../runtime/sink-writer.ts";
import { comparePositions } from "../../state/position.ts";
import { END_OF_TIME } from "../../time/instant.ts";
import { SimulatedChangelog } from "./changelog.ts";
import { SimulatedClock } from "./clock.ts";
import { Draws } from "./draws.ts";
import type { Outcome } from "./environments.ts";
import { Faults } from "./faults.ts";
import { checkDrain, checkHandover, checkIdleness } from "./checks/changelog.ts";
import { checkKills } from "./checks/kills.ts";
import { Ledger, type Failure, type LedgerCommit, type LedgerTask } from "./ledger.ts";
import { Network } from "./network.ts";
import { SimulatedObjects } from "./objects.ts";
import type { Settings } from "./options.ts";
import { planPuts, Producer, type PlannedPut } from "./producer.ts";
import { NO_EFFECTS, type Effects } from "./result.ts";
import { SimulatedSink } from "./sinks.ts";
import { SimulatedStage } from "./stage.ts";

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
  readonly objects = new SimulatedObjects();
  readonly changelog: SimulatedChangelog;
  readonly ledger: Ledger;
  /** All sinks but the queues of ticks. */
  readonly sinks = new Map<string, SimulatedSink>();
  readonly network: Network;
  /** Producers first. */
  readonly stages: readonly SimulatedStage[];
  readonly failures: Failure[] = [];
  readonly trace: string[] = [];
  readonly #tips = new Map<string, number>();
  readonly effects: Effects = { ...NO_EFFECTS };
  /** The dead letters that an operator gave back, by id. */
  readonly redriven = new Set<string>();
  /** Whether nothing goes wrong any more. */
  isSettling = false;
  /** When drains may have been sent: the watermark may then be at the end of time. */
  isDraining = false;
  stopped: string | undefined = undefined;
  /** When the last sink that was down is up again: epoch milliseconds. */
  outagesEnd = 0;
  readonly isTraced: boolean;
  #builds = 1;
  #environments = 0;
  #isMending = false;

  constructor(settings: Settings, isTraced: boolean) {
    this.settings = settings;
    this.isTraced = isTraced;
    const { seed, rates, schedule, stages } = settings;
    const clock = (this.clock = new SimulatedClock(settings.start));
    const trace = isTraced ? (what: string) => this.tell(what) : undefined;
    const draws = (this.draws = new Draws(seed));
    const faults = (this.faults = new Faults(seed, rates, schedule.faults));
    this.ledger = new Ledger({
      now: () => clock.now,
      stageNamed: (name) => this.stageNamed(name),
      objectOf: (key) => this.objects.objects.get(key),
      fail: this.fail,
      onCommit: (task, commit, before) => this.#checkCommit(task, commit, before),
    });
    this.changelog = new SimulatedChangelog((task, commit) => this.ledger.append(task, commit));
    this.network = new Network({
      clock,
      faults,
      draws,
      onTip: (environment, partition) => this.#tips.set(`${environment.number} ${partition}`, clock.now),
      trace,
    });
    for (const name of [...stages.flatMap(({ sinks }) => sinks.map((sink) => sink.name)), DEAD_LETTERS]) {
      const sink = new SimulatedSink(name, faults, name !== DEAD_LETTERS, (delivery) => {
        trace?.(`${name} takes ${delivery.id}`);
        this.ledger.deliver(name, delivery.id, delivery.body);
      });
      this.sinks.set(name, sink);
    }
    this.stages = stages.map((plan, i) => new SimulatedStage(this, plan, i === 0 ? "" : `${plan.name} `, this.sinks));
  }

  readonly fail = (check: string, message: string): void => {
    if (this.failures.length < MOST_FAILURES) this.failures.push({ check, message });
  };

  get isOver(): boolean {
    return this.failures.length > 0 || this.stopped !== undefined;
  }

  readonly stageNamed = (name: string): SimulatedStage => this.stages.find((stage) => stage.name === name)!;

  /** A number that no process has. */
  readonly newNumber = (): number => ++this.#environments;

  /** Whether a process ended in the middle of something, or is in the middle of something. */
  wasAtWork(number: number): boolean {
    return this.stages.some(({ environments }) => environments.wasAtWork(number));
  }

  /** When the process that made a nonce last asked whether records wait: epoch milliseconds. */
  tipAskedAt(nonce: string, partition: string): number | undefined {
    return this.#tips.get(`${nonce.slice(0, nonce.indexOf("-"))} ${partition}`);
  }

  /** Adds a line to the trace. */
  readonly tell = (what: string): void => {
    if (this.isTraced) this.trace.push(`${this.clock.now - this.settings.start} ${what}`);
  };

  /** Plans all puts. @returns when the last one is */
  plan(): number {
    const producer = new Producer(this.settings, this.faults, this.draws);
    const puts = [...planPuts(this.settings, this.draws)];
    const last = puts.at(-1)?.at ?? this.clock.now;
    const carryOut = (put: PlannedPut) => {
      const taken = producer.recordsOf(put).map(({ source, ...record }) => {
        const stage = this.stageNamed(source);
        return [stage.stream.put(record).shard, stage] as const;
      });
      for (const [shard, { mapping }] of new Map(taken)) mapping.wake(shard);
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
    const build = `${prefix}${++this.#builds}`;
    for (const { environments } of this.stages) environments.deploy(build);
  }

  /** X10: what stops a task loudly stops it until someone deploys. Everything else that is systemic is a defect. */
  hear(outcome: Outcome): void {
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
      if (task.stage.source !== undefined && commit.commit.header.watermark === END_OF_TIME)
        checkDrain(this, task, commit);
    }
    if (before === undefined || this.isDraining || commit.redriven.length > 0) return;
    const [a, b] = [before.commit.header, commit.commit.header];
    if (b.watermark > a.watermark && comparePositions(a.position, b.position) === 0) checkIdleness(this, task, commit);
  }
}
