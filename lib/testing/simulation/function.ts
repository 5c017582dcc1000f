import { kinesisDecoder } from "../../connectors/kinesis/decode.ts";
import { systemicError } from "../../errors.ts";
import { compileStage } from "../../plan/compile.ts";
import { StageRuntime, type RunnableStage } from "../../runtime/stage-runtime.ts";
import type { TurnReport } from "../../runtime/observer.ts";
import { sourceIntake } from "../../runtime/intake.ts";
import type { RecordDecoder } from "../../runtime/record.ts";
import { gated, type Gate, type World } from "../gated.ts";
import { brokenBuild, builtProgram, throwsIn } from "./broken-build.ts";
import type { SimulatedClock } from "./clock.ts";
import type { Draws } from "./draws.ts";
import type { Environment } from "./environments.ts";
import type { Settings } from "./options.ts";
import type { Effects } from "./result.ts";
import type { SimulatedStream } from "./stream.ts";

/** Clocks of two machines differ by no more, in milliseconds. */
export const SKEW = 1_000;

export interface FunctionSettings {
  readonly settings: Settings;
  readonly clock: SimulatedClock;
  readonly draws: Draws;
  readonly world: World;
  readonly stream: SimulatedStream;
  readonly gateOf: (environment: Environment) => Gate;
  readonly kill: (environment: Environment, why: string) => void;
  readonly effects: Effects;
  readonly trace: ((what: string) => void) | undefined;
}

/** The function's code: what a new process begins with. */
export class SimulatedFunction {
  readonly #parts: FunctionSettings;
  readonly decode: RecordDecoder;
  readonly stage: RunnableStage;

  constructor(parts: FunctionSettings) {
    this.#parts = parts;
    const { pipeline, stage, source } = parts.settings;
    this.decode = kinesisDecoder(source);
    this.stage = {
      pipeline: pipeline.name,
      generation: 0,
      stage: stage.name,
      source: source.name,
      incarnation: 0,
      program: compileStage(pipeline, stage),
      intake: sourceIntake(source.name, this.decode, source.disorder),
      idle: source.idle,
      poisonShare: pipeline.poison.share,
    };
  }

  start(environment: Environment): StageRuntime {
    const { settings, clock, draws, world, gateOf, trace } = this.#parts;
    const { source } = settings;
    const { number, build } = environment;
    const skew = Math.round((draws.at("skew", number) - 0.5) * SKEW);
    let nonces = 0;
    return new StageRuntime({
      ...gated(world, gateOf(environment)),
      stage: {
        ...this.stage,
        program: builtProgram(this.stage.program, build, draws),
        intake: sourceIntake(source.name, (record) => this.#decode(record, environment), source.disorder),
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

  #decode(record: Parameters<RecordDecoder>[0], environment: Environment) {
    const { sequence } = record.position;
    const { stream, draws, kill, effects } = this.#parts;
    const { kills } = stream.bySequence.get(sequence)!;
    if (kills > 0 && (kills === 1 || draws.at(`kills ${sequence}`, environment.number) < kills)) {
      effects.killed++;
      kill(environment, `dies of ${sequence}`);
      throw systemicError({ code: "simulation/killed", message: "The process has ended: nothing comes of this." });
    }
    if (throwsIn(draws, environment.build, sequence)) throw brokenBuild();
    return this.decode(record);
  }
}
