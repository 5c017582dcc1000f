import { must, Violation, type Configuration } from "./configuration.ts";
import { checkDrained, checkQuiet } from "./end-laws.ts";
import { StateGraph } from "./state-graph.ts";
import { stepsFrom } from "./steps.ts";
import { System, type State } from "./system.ts";
import { withMessage } from "./world.ts";

/** A schedule that breaks a law. */
export interface Broken {
  readonly law: string;
  /** The choice at each step: what `--replay` takes. */
  readonly schedule: readonly number[];
}

export interface Found {
  readonly states: number;
  readonly steps: number;
  /** States in which every trigger is acknowledged. */
  readonly ends: number;
  readonly schedules: bigint;
  /** Different moments of processes: so often the runtime was given an input. */
  readonly moments: number;
  readonly broken: Broken | undefined;
  /** Whether the limit of states was reached before all were found. */
  readonly isCutShort: boolean;
}

export interface SearchOptions {
  /** @default none */
  readonly maxStates?: number;
}

/** Finds every state of a configuration, nearest first, and checks the laws at every step. */
export async function search(
  configuration: Configuration,
  { maxStates = Infinity }: SearchOptions = {},
): Promise<Found> {
  const system = new System(configuration);
  const graph = new StateGraph();
  const known = new Map<string, number>();
  const came: { readonly from: number; readonly choice: number }[] = [];
  const open: (State | undefined)[] = [];
  const ends = new Ends(system);

  const find = (state: State, from: number, choice: number): void => {
    const key = system.keyOf(state);
    let number = known.get(key);
    if (number === undefined) {
      number = graph.add();
      known.set(key, number);
      came.push({ from, choice });
      open.push(state);
    }
    if (from >= 0) graph.connect(from, number);
  };

  const scheduleTo = (state: number): number[] => {
    const choices: number[] = [];
    for (let at = state; at > 0; at = came[at]!.from) choices.push(came[at]!.choice);
    return choices.reverse();
  };

  const result = (broken?: Broken, isCutShort = false): Found => ({
    states: graph.states,
    steps: graph.steps,
    ends: graph.ends,
    schedules: broken === undefined && !isCutShort ? graph.countSchedules() : 0n,
    moments: system.behaviours.size,
    broken,
    isCutShort,
  });

  find(system.start(), -1, 0);
  for (let number = 0; number < open.length; number++) {
    if (graph.states > maxStates) return result(undefined, true);
    const state = open[number]!;
    open[number] = undefined; // what was expanded is needed no more
    let choice = -1;
    try {
      if (system.isQuiet(state)) {
        graph.markEnd(number);
        await ends.check(state);
      }
      for (const step of stepsFrom(system, state)) {
        choice++;
        find(system.reduction.tidied(await step.take()), number, choice);
      }
    } catch (thrown) {
      if (!(thrown instanceof Violation)) throw thrown;
      return result({ law: thrown.message, schedule: [...scheduleTo(number), ...(choice < 0 ? [] : [choice])] });
    }
  }
  const stuck = graph.findStuck();
  if (stuck === undefined) return result();
  return result({ law: "From here on no schedule leads to an end.", schedule: scheduleTo(stuck) });
}

/** So many steps are more than enough to drain a small world. */
const LONGEST_DRAIN = 1_000;

/** Checks what must hold at the end of a schedule, now and after everything is drained. */
export class Ends {
  readonly #system: System;
  readonly #checked = new Set<string>();

  constructor(system: System) {
    this.#system = system;
  }

  /** @throws a violation */
  async check(state: State): Promise<void> {
    const system = this.#system;
    checkQuiet(state.world);
    const undisturbed = { ...state, processes: [], adrift: [], faults: 0 };
    const key = system.keyOf(undisturbed);
    if (this.#checked.has(key)) return;
    this.#checked.add(key);
    checkDrained((await this.#drained(undisturbed)).world, system.configuration);
  }

  /** The state after a drain of every partition that no other replaces, and of nothing that fails. */
  async #drained(state: State): Promise<State> {
    const system = this.#system;
    const replaced = new Set(state.world.shards.flatMap(({ parents }) => parents));
    const leaves = state.world.shards.filter(({ id }) => !replaced.has(id));
    const world = leaves.reduce((next, { id }) => withMessage(next, system.bodyOf("drain", id), 1), state.world);
    let next: State = { ...state, world };
    for (let i = 0; !system.isQuiet(next); i++) {
      must(i < LONGEST_DRAIN, "A drain after the end of the schedule never succeeded.");
      const [step] = stepsFrom(system, next);
      must(step !== undefined, "A drain after the end of the schedule hangs.");
      next = await step.take();
    }
    return next;
  }
}

/** Walks one schedule again. @param say is told every step, and every choice there was */
export async function replay(
  configuration: Configuration,
  schedule: readonly number[],
  say: (line: string) => void,
): Promise<Violation | undefined> {
  const system = new System(configuration);
  const ends = new Ends(system);
  let state = system.start();
  try {
    for (const choice of schedule) {
      const steps = stepsFrom(system, state);
      const step = steps[choice];
      if (step === undefined) throw new Error(`There are ${steps.length} choices here, and none is number ${choice}`);
      say(`${String(choice).padStart(4)} of ${steps.length}  ${step.text()}`);
      state = system.reduction.tidied(await step.take());
    }
    if (system.isQuiet(state)) await ends.check(state);
  } catch (thrown) {
    if (!(thrown instanceof Violation)) throw thrown;
    return thrown;
  }
  say("What may happen next:");
  stepsFrom(system, state).forEach((step, choice) => say(`${String(choice).padStart(4)}  ${step.text()}`));
  return undefined;
}
