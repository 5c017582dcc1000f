import { gated, type Gate, type World } from "../../../lib/testing/gated.ts";
import { StageRuntime, type StageRuntimeSettings } from "../../../lib/runtime/stage-runtime.ts";
import type { FaultPlan } from "./faults.ts";

/** How a turn ended, as the mapping sees it. `hung`: its process does not answer any more, and is not dead either. */
export type Ending =
  { readonly kind: "done" } | { readonly kind: "failed"; readonly cause: unknown } | { readonly kind: "hung" };

/** Thrown out of a process that has died. */
export class Killed extends Error {}

/** What a store answers that is not to be had now. */
export class Unavailable extends Error {}

/**
 * An execution environment of a stage: a process with what it knows of its tasks. It dies, hangs or is refused at
 * any request to the world outside, as its faults say.
 */
export class Environment {
  readonly #runtime: StageRuntime;
  readonly #faults: FaultPlan | undefined;
  #isDead = false;
  #isZombie = false;
  /** Resolves once the process hangs. */
  #hang!: () => void;
  readonly #hung = new Promise<void>((resolve) => (this.#hang = resolve));
  /** Lets what hangs go on. */
  #thaw!: () => void;
  readonly #thawed = new Promise<void>((resolve) => (this.#thaw = resolve));
  #turn: Promise<unknown> = Promise.resolve();

  /** @param worldOf what the process talks to, where requests within requests pass the gate too */
  constructor(settings: Omit<StageRuntimeSettings, keyof World>, worldOf: (gate: Gate) => World, faults?: FaultPlan) {
    this.#faults = faults;
    const gate: Gate = faults ? (_, carryOut) => this.#pass(carryOut) : (_, carryOut) => carryOut();
    this.#runtime = new StageRuntime({ ...settings, ...gated(worldOf(gate), gate) });
  }

  get isUsable(): boolean {
    return !this.#isDead && !this.#isZombie;
  }

  /** Gives the process a turn. */
  async turn(work: (runtime: StageRuntime) => Promise<unknown>): Promise<Ending> {
    const turn = work(this.#runtime);
    this.#turn = turn.catch(() => undefined);
    const ending = turn.then(
      (): Ending => ({ kind: "done" }),
      (cause: unknown): Ending => ({ kind: "failed", cause }),
    );
    return this.#faults === undefined
      ? ending
      : Promise.race([ending, this.#hung.then((): Ending => ({ kind: "hung" }))]);
  }

  /** What hung goes on to the end of its turn, after others have taken over. */
  async thaw(): Promise<void> {
    this.#thaw();
    await this.#turn;
    this.#isDead = true;
  }

  async #pass<T>(carryOut: () => Promise<T>): Promise<T> {
    if (this.#isDead) throw new Killed("The process is dead.");
    const fault = this.#isZombie ? undefined : this.#faults!.next();
    switch (fault) {
      case undefined:
        return carryOut();
      case "refused":
        throw new Unavailable("The service is not available.");
      case "answer lost":
        await carryOut();
        throw new Unavailable("The answer was lost.");
      case "killed before":
        this.#isDead = true;
        throw new Killed("The process died before a request.");
      case "killed after":
        this.#isDead = true;
        await carryOut();
        throw new Killed("The process died after a request.");
      case "hung":
        this.#isZombie = true;
        this.#hang();
        await this.#thawed;
        return carryOut();
    }
  }
}
