import { runnableStage } from "../../connectors/runnable-stage.ts";
import { systemicError } from "../../errors.ts";
import type { Stage } from "../../plan/stage.ts";
import type { IncomingUnit, Intake } from "../../runtime/intake.ts";
import type { TurnReport } from "../../runtime/observer.ts";
import type { IncomingRecord } from "../../runtime/record.ts";
import { ShuffleWriter } from "../../runtime/shuffle/writer.ts";
import type { SinkWriter } from "../../runtime/sink-writer.ts";
import { StageRuntime, type RunnableStage } from "../../runtime/stage-runtime.ts";
import { gated, type Gate, type World } from "../gated.ts";
import { BROKEN, brokenBuild, builtProgram, throwsIn } from "./broken-build.ts";
import type { SimulatedClock } from "./clock.ts";
import type { Draws } from "./draws.ts";
import type { Environment } from "./environments.ts";
import type { Settings } from "./options.ts";
import type { Effects } from "./result.ts";
import { onlyElementIn, type ShuffleStream } from "./shuffle-stream.ts";
import type { SimulatedStream } from "./stream.ts";

/** Clocks of two machines differ by no more, in milliseconds. */
export const SKEW = 1_000;

export interface FunctionSettings {
  readonly settings: Settings;
  readonly plan: Stage;
  readonly clock: SimulatedClock;
  readonly draws: Draws;
  readonly world: World;
  readonly stream: SimulatedStream;
  /** What it reads, where that is no source. */
  readonly shuffle: ShuffleStream | undefined;
  /** What it writes to, by the names of the stages that read. */
  readonly readers: () => ReadonlyMap<string, ShuffleStream>;
  readonly gateOf: (environment: Environment) => Gate;
  readonly kill: (environment: Environment, why: string) => void;
  readonly effects: Effects;
  readonly trace: ((what: string) => void) | undefined;
}

/** A function's code: what a new process begins with. */
export class SimulatedFunction {
  readonly #parts: FunctionSettings;
  readonly stage: RunnableStage;

  constructor(parts: FunctionSettings) {
    this.#parts = parts;
    this.stage = runnableStage(parts.settings.pipeline, parts.plan, { generation: 0, incarnation: 0 });
  }

  start(environment: Environment): StageRuntime {
    const { settings, clock, draws, world, gateOf, trace } = this.#parts;
    const { number, build } = environment;
    const skew = Math.round((draws.at("skew", number) - 0.5) * SKEW);
    let nonces = 0;
    const gate = gateOf(environment);
    const own = gated(world, gate);
    const shuffles = [...this.#parts.readers()].map(([name, stream]): [string, SinkWriter] => [
      name,
      new ShuffleWriter(stream.seenFrom(gate)),
    ]);
    return new StageRuntime({
      ...own,
      writers: new Map([...own.writers, ...shuffles]),
      stage: {
        ...this.stage,
        program: builtProgram(this.stage.program, build, draws),
        intake: this.#intakeIn(environment),
      },
      build,
      observer: {
        turn: (report) => {
          this.#count(report);
          const { task, trigger, epoch, folded, outputs } = report;
          trace?.(`${number} ${task}: ${trigger} to epoch ${epoch}, folded ${folded}, outputs ${outputs}`);
        },
        notice: (task, what) => trace?.(`${number} ${task}: ${what}`),
      },
      now: () => clock.now + skew,
      newNonce: () => `${number}-${++nonces}`,
      suspectAfter: settings.suspectAfter,
      limits: settings.limits,
    });
  }

  #count({ conflicts, redeliveries, spilled, checkpointed, trigger, committedAt }: TurnReport): void {
    const { effects } = this.#parts;
    effects.conflicts += conflicts;
    effects.redeliveries += redeliveries;
    if (spilled) effects.spilled++;
    if (checkpointed) effects.checkpoints++;
    if (committedAt === undefined) return;
    if (trigger === "seal") effects.sealed++;
    if (trigger === "tick") effects.ticks++;
  }

  /** The stage's own intake; opening a record or an element may end the process, and broken builds throw. */
  #intakeIn(environment: Environment): Intake {
    const { intake } = this.stage;
    const harmed = (record: IncomingRecord, unit: IncomingUnit): IncomingUnit => ({
      open: () => {
        this.#harm(record, unit, environment);
        return unit.open();
      },
      entry: unit.entry,
      records: unit.records,
      record: () => unit.record(),
    });
    return {
      kind: intake.kind,
      eachUnit: (record, state, fold) => intake.eachUnit(record, state, (unit) => fold(harmed(record, unit))),
      unitsOfLetter: (record) => intake.unitsOfLetter(record).map((unit) => harmed(record, unit)),
      skip: (record, state) => intake.skip(record, state),
      disorder: intake.disorder,
      watermarkIn: (state) => intake.watermarkIn(state),
      isSilent: (state) => intake.isSilent(state),
      missingIn: (state) => intake.missingIn(state),
    };
  }

  #harm(record: IncomingRecord, unit: IncomingUnit, environment: Environment): void {
    const { stream, shuffle, draws, kill, effects } = this.#parts;
    const isBroken = environment.build.startsWith(BROKEN);
    if (shuffle !== undefined && shuffle.kills.size === 0 && !isBroken) return;
    const { sequence } = record.position;
    const name = shuffle === undefined ? sequence : (onlyElementIn(unit.record().base64) ?? sequence);
    const kills = shuffle === undefined ? stream.bySequence.get(sequence)!.kills : (shuffle.kills.get(name) ?? 0);
    if (kills > 0 && (kills === 1 || draws.at(`kills ${name}`, environment.number) < kills)) {
      effects.killed++;
      kill(environment, `dies of ${name}`);
      throw systemicError({ code: "simulation/killed", message: "The process has ended: nothing comes of this." });
    }
    if (throwsIn(draws, environment.build, name)) throw brokenBuild();
  }
}
