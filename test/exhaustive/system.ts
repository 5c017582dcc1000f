import { taskName } from "../../lib/state/task-id.ts";
import { Behaviours, type Moment } from "./behaviours.ts";
import { must, type Configuration } from "./configuration.ts";
import { idsStage } from "./ids-pipeline.ts";
import { Interner } from "./interning.ts";
import { checkRequest, checkSuccess } from "./laws.ts";
import { LiveProcess, type Input, type Work } from "./live-process.ts";
import { Reduction } from "./reduction.ts";
import { emptyWorld, isRead, services, withMessage, type Outcome, type Request, type World } from "./world.ts";
import { ARRIVAL } from "./ids-pipeline.ts";

/** An invocation that runs: its work, and for a batch whose it is and how far the mapping goes on after it. */
export interface Running {
  readonly work: Work;
  readonly mapping?: number;
  readonly to?: number;
}

/** A process that lives. */
export interface Process {
  readonly moment: Moment;
  /** By the number of the invocation; nothing for those that have ended. */
  readonly running: readonly (Running | undefined)[];
}

/** A request that lands at any later moment, or never: nobody waits for its answer. */
export interface Adrift {
  readonly request: Request;
  readonly works: readonly Work[];
}

/** The whole configuration at one moment. Never changed: each step makes the next. */
export interface State {
  readonly world: World;
  readonly clock: number;
  readonly mappings: readonly { readonly next: number; readonly isBusy: boolean }[];
  readonly processes: readonly Process[];
  readonly adrift: readonly Adrift[];
  /** Faults that may still strike. */
  readonly faults: number;
  /** Ticks that may still come before all records are read. */
  readonly earlyTicks: number;
  /** Processes that may still leave requests on their way when their last invocation has failed. */
  readonly leftovers: number;
  /** Bits of the uids that were heard of outside of their process. */
  readonly spent: number;
}

export const isIdle = ({ running }: Process): boolean => running.every((one) => one === undefined);

export const worksOf = ({ running }: Process): readonly Work[] => running.flatMap((one) => (one ? [one.work] : []));

/** The requests that carry a nonce of the process which none of its requests has carried before. */
const NAMING = new Set(["append", "put", "beginTrial", "raiseCheckpoint"]);

/** No small configuration needs as many processes as this, unless it never comes to an end. */
const MOST_UIDS = 30;

/** How many processes leave requests on their way without a fault. */
const LEFTOVERS = 1;

/** A configuration that can be run: what a state becomes by a request, an answer, an invocation. */
export class System {
  readonly configuration: Configuration;
  readonly interner = new Interner();
  readonly behaviours: Behaviours;
  readonly reduction: Reduction;
  /** What is before the partition in tasks' names. */
  readonly prefix: string;
  readonly #works = new Map<string, Work>();

  constructor(configuration: Configuration) {
    this.configuration = configuration;
    const { pipeline, suspectAfter = Number.POSITIVE_INFINITY, limits } = configuration;
    const stage = idsStage(() => LiveProcess.dieNow(), pipeline);
    this.behaviours = new Behaviours({ stage, suspectAfter, ...(limits && { limits }) }, this.interner);
    this.reduction = new Reduction(configuration);
    this.prefix = taskName({ ...stage, partition: "P" }).slice(0, -1);
  }

  start(): State {
    const {
      shards,
      mappings,
      messages = [],
      faults,
      earlyTicks = 2,
      arrivals,
      startsAt = ARRIVAL,
    } = this.configuration;
    const world = emptyWorld(
      shards.map(({ id, parents = [], range = { from: "0".repeat(32), to: "f".repeat(32) }, records }) => {
        const sequences = arrivals === true ? [] : records.map(({ position }) => position.sequence);
        return { id, parents, range, sequences };
      }),
      arrivals !== true,
    );
    return {
      world: messages.reduce((next, { type, shard }) => withMessage(next, this.bodyOf(type, shard), 1), world),
      clock: startsAt,
      mappings: mappings.map(() => ({ next: 0, isBusy: false })),
      processes: [],
      adrift: [],
      faults: faults.budget,
      earlyTicks,
      leftovers: LEFTOVERS,
      spent: 0,
    };
  }

  bodyOf(type: "drain" | "sweep", shard: string): string {
    return JSON.stringify({ type, task: `${this.prefix}${shard}` });
  }

  recordsOf(shard: string) {
    return this.configuration.shards.find(({ id }) => id === shard)!.records;
  }

  /** A batch of a mapping: the same object for the same records. */
  batch(shard: string, from: number, to: number): Work {
    const key = `${shard} ${from} ${to}`;
    let work = this.#works.get(key);
    if (work === undefined) {
      work = { kind: "batch", partition: shard, records: this.recordsOf(shard).slice(from, to) };
      this.#works.set(key, work);
    }
    return work;
  }

  /** The same object for the same message. */
  message(body: string): Work {
    let work = this.#works.get(body);
    if (work === undefined) this.#works.set(body, (work = { kind: "message", body }));
    return work;
  }

  /** Equal texts are states from which the same can come. */
  keyOf({ world, clock, mappings, processes, adrift, faults, earlyTicks, leftovers, spent }: State): string {
    const { interner } = this;
    return [
      interner.idOf(world),
      clock,
      mappings.map(({ next, isBusy }) => `${next}${isBusy ? "!" : ""}`).join(),
      processes.map(({ moment }) => moment.id).join(),
      adrift.map((one) => interner.idOf(one)).join(),
      faults,
      earlyTicks,
      leftovers,
      spent,
    ].join("|");
  }

  /** Every record is there and read, no message waits, and no process works. */
  isQuiet({ world, mappings, processes }: State): boolean {
    return world.queue.size === 0 && this.isRead({ world, mappings }) && processes.every(isIdle);
  }

  isRead({ world, mappings }: Pick<State, "world" | "mappings">): boolean {
    const plans = this.configuration.mappings;
    return (
      mappings.every(({ next, isBusy }, i) => !isBusy && next === this.recordsOf(plans[i]!.shard).length) &&
      world.shards.every(({ id, sequences }) => sequences.length === this.recordsOf(id).length)
    );
  }

  /** Carries a request out. */
  carryOut(state: State, request: Request, works: readonly Work[]): Outcome {
    const outcome = (this.configuration.services ?? services)(state.world, request);
    checkRequest(state.world, request, outcome, works, state.clock);
    return outcome;
  }

  land(state: State, { request, works }: Adrift): State {
    return { ...state, world: this.carryOut(state, request, works).world };
  }

  /** A request waits for nobody any more. */
  setAdrift(state: State, requests: readonly Request[], works: readonly Work[]): State {
    const left = requests.filter((request) => !isRead(request)).map((request) => ({ request, works }));
    const order = (one: Adrift) => this.interner.idOf(one);
    return { ...state, adrift: [...state.adrift, ...left].sort((a, b) => order(a) - order(b)) };
  }

  /** A process's nonces are heard of by these requests first; who has heard of them keeps them from being used again. */
  spend(state: State, { moment }: Process, { operation }: Request): State {
    return NAMING.has(operation) ? { ...state, spent: state.spent | (1 << moment.uid) } : state;
  }

  /** A process is invoked: one that is there, or a new one. */
  async invoke(state: State, process: Process | undefined, running: Running): Promise<State> {
    const input: Input = { kind: "invoke", work: running.work };
    if (process !== undefined) return this.feed(state, process, input, running);
    let uid = 0;
    while ((state.spent & (1 << uid)) !== 0 || state.processes.some(({ moment }) => moment.uid === uid)) uid++;
    must(uid <= MOST_UIDS, "Invocations fail again and again, and each leaves something new behind.");
    const fresh: Process = { moment: this.behaviours.fresh(uid), running: [] };
    return this.feed({ ...state, processes: [...state.processes, fresh] }, fresh, input, running);
  }

  /**
   * Gives a process an input, and takes note of what comes to an end upon it. An invocation's clock shows when its
   * first request was answered.
   */
  async feed(state: State, process: Process, input: Input, begins?: Running): Promise<State> {
    const timed = process.moment.isBegun && input.kind !== "invoke" ? { ...input, now: state.clock } : input;
    const moment = await this.behaviours.after(process.moment, timed);
    const running = begins === undefined ? process.running : [...process.running, begins];
    if (moment.died) {
      const works = running.flatMap((one) => (one ? [one.work] : []));
      return this.crash(this.setAdrift(state, [...moment.waiting.values()], works), process, running);
    }
    let next = state;
    for (const { invocation, error } of moment.settled) {
      const one = running[invocation]!;
      if (error === undefined) {
        checkSuccess(next.world, one.work, this.prefix);
        next = acknowledged(next, one);
      } else {
        must(error.kind === "infrastructure", `An invocation failed for another reason than a fault: ${error.message}`);
        next = comesAgain(next, one);
      }
    }
    const ended = new Set(moment.settled.map(({ invocation }) => invocation));
    const left = running.map((one, invocation) => (ended.has(invocation) ? undefined : one));
    return this.#replaced(next, process, { moment, running: left });
  }

  /** A process ends. What it was given comes again. */
  crash(state: State, process: Process, running = process.running): State {
    let next: State = { ...state, processes: state.processes.filter((other) => other !== process) };
    for (const one of running) if (one !== undefined) next = comesAgain(next, one);
    return next;
  }

  /**
   * Keeps as many idle processes as there may be, those that were used last. What the others had still on its way
   * (an invocation may fail before all that it sent is answered) lands at any later moment, or never. An invocation
   * may fail any number of times, so only the first few of such processes leave something.
   */
  #replaced(state: State, process: Process, by: Process): State {
    const processes = [...state.processes.filter((other) => other !== process), by];
    const idle = processes.filter(isIdle);
    const gone = idle.slice(0, Math.max(0, idle.length - (this.configuration.warm ?? 0)));
    const left: State = { ...state, processes: processes.filter((other) => !gone.includes(other)) };
    return gone.reduce((next, { moment }) => {
      const requests = [...moment.waiting.values()].filter((request) => !isRead(request));
      if (requests.length === 0 || next.leftovers === 0) return next;
      const spent = requests.reduce((after, request) => this.spend(after, { moment, running: [] }, request), next);
      return this.setAdrift({ ...spent, leftovers: next.leftovers - 1 }, requests, worksOf(process));
    }, left);
  }
}

function acknowledged(state: State, { mapping, to }: Running): State {
  if (mapping === undefined) return state;
  return { ...state, mappings: state.mappings.with(mapping, { next: to!, isBusy: false }) };
}

function comesAgain(state: State, { work, mapping }: Running): State {
  if (work.kind === "message") return { ...state, world: withMessage(state.world, work.body, 1) };
  const { next } = state.mappings[mapping!]!;
  return { ...state, mappings: state.mappings.with(mapping!, { next, isBusy: false }) };
}
