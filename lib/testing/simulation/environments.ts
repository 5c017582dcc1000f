import type { StageRuntime } from "../../runtime/stage-runtime.ts";
import type { SimulatedClock } from "./clock.ts";
import type { DrawStream } from "./draws.ts";
import type { Faults } from "./faults.ts";

/** How an invocation ended. */
export type Outcome =
  | { readonly kind: "returned" }
  | { readonly kind: "threw"; readonly thrown: unknown }
  /** The process ended first. */
  | { readonly kind: "died" };

interface Invocation {
  readonly end: (outcome: Outcome) => void;
  isOver: boolean;
}

/** An execution environment of the function: a process that keeps what it knows from one invocation to the next. */
export class Environment {
  /** No other of the simulation has it. */
  readonly number: number;
  readonly build: string;
  /** What places of faults of its requests begin with. */
  readonly place: string;
  runtime!: StageRuntime;
  /** Then it sends nothing more, and nothing reaches it. */
  isDead = false;
  readonly running = new Set<Invocation>();
  lastUsed: number;

  constructor(number: number, build: string, place: string, now: number) {
    this.number = number;
    this.build = build;
    this.place = place;
    this.lastUsed = now;
  }
}

export interface EnvironmentsSettings {
  readonly clock: SimulatedClock;
  readonly faults: Faults;
  readonly draws: DrawStream;
  /** What its places of faults begin with. */
  readonly place: string;
  /** A number that nobody has. */
  readonly newNumber: () => number;
  /** So many at most, unless all are busy. */
  readonly most: number;
  /** Invocations that one serves at once. */
  readonly concurrency: number;
  /** Milliseconds after which an invocation ends, and its process with it. */
  readonly timeout: number;
  readonly start: (environment: Environment) => StageRuntime;
  readonly trace: ((what: string) => void) | undefined;
}

/** The function: environments that come and go, and are chosen as Lambda chooses. */
export class Environments {
  readonly #settings: EnvironmentsSettings;
  readonly #alive: Environment[] = [];
  readonly #endedAtWork = new Set<number>();
  /** The build that new environments run. */
  build = "build-1";
  invocations = 0;

  constructor(settings: EnvironmentsSettings) {
    this.#settings = settings;
  }

  /** Runs an invocation. @param end is told once how it ended */
  invoke(
    what: string,
    work: (runtime: StageRuntime, environment: Environment) => Promise<unknown>,
    end: (outcome: Outcome, environment: Environment) => void,
  ): void {
    const { clock, timeout, trace } = this.#settings;
    const environment = this.#choose();
    this.invocations++;
    environment.lastUsed = clock.now;
    const invocation: Invocation = { end: (outcome) => end(outcome, environment), isOver: false };
    environment.running.add(invocation);
    trace?.(`${environment.number} takes ${what}`);
    const finish = (outcome: Outcome) => {
      if (invocation.isOver || environment.isDead) return;
      invocation.isOver = true;
      environment.running.delete(invocation);
      invocation.end(outcome);
    };
    work(environment.runtime, environment).then(
      () => finish({ kind: "returned" }),
      (thrown: unknown) => finish({ kind: "threw", thrown }),
    );
    clock.after(timeout, () => {
      if (!invocation.isOver) this.kill(environment, "timed out");
    });
  }

  /** Ends a process: it sends nothing more, and nothing reaches it. What it has sent is still on its way. */
  kill(environment: Environment, why: string): void {
    if (environment.isDead) return;
    this.#settings.trace?.(`${environment.number} ${why}`);
    environment.isDead = true;
    if (environment.running.size > 0) this.#endedAtWork.add(environment.number);
    this.#forget(environment);
    for (const invocation of environment.running) {
      invocation.isOver = true;
      // Whoever invoked it hears of it a moment later.
      this.#settings.clock.after(1, () => invocation.end({ kind: "died" }));
    }
    environment.running.clear();
  }

  /** Whether a process ended in the middle of something, or is in the middle of something. */
  wasAtWork(number: number): boolean {
    return this.#endedAtWork.has(number) || this.#alive.some((one) => one.number === number && one.running.size > 0);
  }

  /** Another build is deployed: environments that run the one before end when they are idle. */
  deploy(build: string): void {
    this.#settings.trace?.(`deployed ${build}`);
    this.build = build;
  }

  #choose(): Environment {
    const { faults, draws, most, concurrency } = this.#settings;
    for (const environment of [...this.#alive]) {
      if (environment.build !== this.build && environment.running.size === 0) this.#forget(environment);
    }
    const idle = this.#alive.filter(({ running, build }) => build === this.build && running.size < concurrency);
    if (idle.length > 0 && faults.at(`${this.#settings.place}environments`, ["reclaimed"]) !== undefined) {
      const gone = draws.pick(idle);
      if (gone.running.size === 0) {
        this.kill(gone, "is reclaimed");
        idle.splice(idle.indexOf(gone), 1);
      }
    }
    if (idle.length === 0 || (this.#alive.length < most && draws.chance(0.2))) return this.#start();
    // Any of them: a cache is then as stale as it can be. At times the one used last, as Lambda mostly does.
    if (draws.chance(0.5)) return draws.pick(idle);
    return idle.reduce((a, b) => (b.lastUsed > a.lastUsed ? b : a));
  }

  #start(): Environment {
    const { start, clock, newNumber, place } = this.#settings;
    const environment = new Environment(newNumber(), this.build, place, clock.now);
    environment.runtime = start(environment);
    this.#alive.push(environment);
    return environment;
  }

  #forget(environment: Environment): void {
    const i = this.#alive.indexOf(environment);
    if (i >= 0) this.#alive.splice(i, 1);
  }
}
