import { Draws, type DrawStream } from "./draws.ts";

/**
 * What may go wrong, and how often: the chance at every opportunity, unless something else is said.
 *
 * Of every request of the runtime: `crash-before` it is sent, `crash-after` it was carried out; `zombie`: the process
 * ends, and its request is carried out up to minutes later; `hang`: no answer until the function's time-out;
 * `throttled`; `timed-out`: an error, nothing happened; `late-landing`: the same, but it happens up to minutes later;
 * `lost-answer`: an error, although it happened; `retried`: carried out twice; `slow`.
 */
export const DEFAULT_FAULTS = {
  "crash-before": 0.005,
  "crash-after": 0.005,
  zombie: 0.005,
  hang: 0.001,
  throttled: 0.005,
  "timed-out": 0.005,
  "late-landing": 0.005,
  "lost-answer": 0.005,
  retried: 0.005,
  slow: 0.01,
  /** A checkpoint's object or pointer is not written. */
  "checkpoint-lost": 0.1,

  /** Of every delivery: some of it arrives, and the sink fails. */
  "sink-partial": 0.01,
  /** The same, and the writer knows how much arrived. */
  "sink-interrupted": 0.01,
  /** All of it arrives twice. */
  "sink-repeat": 0.01,
  /** Of every output: the sink refuses it for good. */
  "sink-refusal": 0.002,

  /** Of every batch: another function instance is given the same at the same time. */
  doubled: 0.01,
  /** The same long after. */
  replayed: 0.01,
  /** The function is done, and the mapping does not hear of it. */
  "lost-response": 0.01,
  /** Of every retry: the batch is cut anew. */
  recut: 0.2,

  /** Of every invocation: an idle execution environment is gone before it. */
  reclaimed: 0.02,

  "tick-late": 0.05,
  "tick-twice": 0.05,
  "tick-early": 0.05,
  "tick-lost": 0.02,

  /** Of every put, a stage's into the stream of another too: the stream takes its records in another order. */
  reordered: 0.1,
  /** Of every record: its payload is broken. */
  poison: 0.01,
  /** Its partition key is not that of its key. */
  "wrong-key": 0.002,
  /** The process ends whenever it takes it. */
  killer: 0.002,
  /** The process ends at times when it takes it. */
  "killer-at-times": 0.002,

  /** Of each of ten moments of a run. */
  split: 0.05,
  merge: 0.05,
  /** Several splits and merges at once. */
  "reshard-storm": 0.02,
  "sink-down": 0.05,
  /** Table or bucket answer nothing but errors, for as long as sinks that are down. */
  "table-down": 0.02,
  "bucket-down": 0.03,
  /** Dead letters are given back to their tasks, some of them several times. */
  redrive: 0.2,
  deploy: 0.05,
  /** A build that throws on most records and windows, mended later. */
  "bad-deploy": 0.01,
  /** Of each of a run's days: the table deletes what has expired. */
  expiry: 0.5,
  /** The table deletes what has not: breaks what the runtime builds on, which may then stop, loudly. */
  "early-expiry": 0,

  /** Of every put of a stage into the stream of another: it takes some records, and fails. */
  "put-partial": 0.02,
  /** It takes some records twice. */
  "put-again": 0.03,
  /** The stream is split or merged just before: in the middle of a delivery. */
  "put-resharded": 0.01,
} as const satisfies Record<string, number>;

export type FaultKind = keyof typeof DEFAULT_FAULTS;
export type FaultRates = Readonly<Record<FaultKind, number>>;

export const FAULT_KINDS = Object.keys(DEFAULT_FAULTS) as FaultKind[];

/** Nothing goes wrong. */
export const NO_FAULTS = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as FaultRates;

/** A fault that happens: `kind@place#n`, at the n-th opportunity of a place. */
export type FaultName = `${FaultKind}@${string}`;

export interface Fault {
  readonly kind: FaultKind;
  readonly name: FaultName;
  /** Numbers for what is open about it. */
  readonly draws: DrawStream;
}

/** Decides what goes wrong, by chance or by a list, and keeps account of it. */
export class Faults {
  readonly #seed: number | string;
  readonly #draws: Draws;
  readonly #rates: FaultRates;
  readonly #list: ReadonlySet<string> | undefined;
  readonly #opportunities = new Map<string, number>();
  #stopped = false;
  /** Those that happened, in their order. */
  readonly happened: FaultName[] = [];
  readonly counts = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>;

  /** @param list exactly these happen, where it is given */
  constructor(seed: number | string, rates: FaultRates, list?: readonly FaultName[]) {
    this.#seed = seed;
    this.#draws = new Draws(`${seed} faults`);
    this.#rates = rates;
    this.#list = list === undefined ? undefined : new Set(list);
  }

  /** Nothing goes wrong from now on. */
  stop(): void {
    this.#stopped = true;
  }

  /** One of these kinds, or none, at the next opportunity of a place. */
  at(place: string, kinds: readonly FaultKind[]): Fault | undefined {
    const n = (this.#opportunities.get(place) ?? 0) + 1;
    this.#opportunities.set(place, n);
    if (this.#stopped) return undefined;
    const kind = this.#list === undefined ? this.#byChance(place, n, kinds) : this.#byList(place, n, kinds);
    if (kind === undefined) return undefined;
    const name: FaultName = `${kind}@${place}#${n}`;
    this.happened.push(name);
    this.counts[kind]++;
    return { kind, name, draws: new Draws(`${this.#seed} ${name}`).stream("") };
  }

  #byChance(place: string, n: number, kinds: readonly FaultKind[]): FaultKind | undefined {
    let drawn = this.#draws.at(place, n);
    for (const kind of kinds) {
      drawn -= this.#rates[kind];
      if (drawn < 0) return kind;
    }
    return undefined;
  }

  #byList(place: string, n: number, kinds: readonly FaultKind[]): FaultKind | undefined {
    return kinds.find((kind) => this.#list!.has(`${kind}@${place}#${n}`));
  }
}
