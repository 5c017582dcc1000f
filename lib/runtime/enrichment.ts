import {
  infrastructureError,
  isSystemic,
  messageOf,
  poisonError,
  systemicError,
  type MillraceError,
} from "../errors.ts";
import type { Answer, EnrichSpec, LookupFailure } from "../operators/enrich.ts";
import type { Ask, Preparation } from "../operators/preparation.ts";
import { validate } from "../schema.ts";
import { encodeKey, type KeyValue } from "../state/key.ts";
import { AnswerCache } from "./answer-cache.ts";
import { breakerOpen, type Breakers } from "./breakers.ts";
import type { BreakerOutcome, CircuitBreaker } from "./circuit-breaker.ts";
import type { IncomingUnit } from "./intake.ts";
import { Limiter } from "./limiter.ts";
import type { LookupTables } from "./lookup-table.ts";

/** Answers by operator and key code, for one fold. */
export type Answers = ReadonlyMap<string, ReadonlyMap<string, Answer>>;

export interface EnrichmentSettings {
  readonly preparation: Preparation;
  readonly lookups: Lookups;
  readonly breakers: Breakers;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** What a process has for looking things up. */
export interface Lookups {
  readonly tables: LookupTables;
  /** Resolves after so many milliseconds; ends early, either way, once the signal is aborted. */
  readonly wait: (millis: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds that the invocation has left for them. @default any number of them */
  readonly left?: () => number;
}

type TableLookup = Extract<EnrichSpec["lookup"], { kind: "table" }>;

/** What an operator has in a process beside what it is made of. */
interface Desk {
  readonly spec: EnrichSpec;
  readonly cache: AnswerCache | undefined;
  readonly limiter: Limiter;
  /** None where a failure may be a record's own: it says nothing of the service, and others are not to suffer from it. */
  readonly breaker: CircuitBreaker | undefined;
}

/**
 * Looks up what a batch's values need, before they are folded: a fold cannot wait, and what it uses must not change while
 * it runs. Nothing of it is state; a batch that comes again is looked up again.
 */
export class Enrichment {
  readonly #settings: EnrichmentSettings;
  readonly #desks: ReadonlyMap<string, Desk>;

  constructor(settings: EnrichmentSettings) {
    this.#settings = settings;
    this.#desks = new Map(
      settings.preparation.specs.map((spec) => [
        spec.name,
        {
          spec,
          cache: spec.cache && new AnswerCache(spec.cache),
          limiter: new Limiter(spec.concurrency),
          breaker: spec.onFailure === "retry" ? settings.breakers.ofLookups(spec.name, spec.breaker) : undefined,
        },
      ]),
    );
  }

  /**
   * What the values need, looked up: in rounds, as what an operator adds may decide what the next one needs.
   *
   * @param units one that cannot be opened becomes a dead letter in the fold
   * @throws infrastructure error `enrich/failed` where an operator's lookups are to be repeated
   */
  async answersFor(units: readonly IncomingUnit[]): Promise<Answers> {
    const answers = new Map<string, Map<string, Answer>>();
    // A key that is another one each time is never known: it is a dead letter in the fold.
    for (let round = 0; round < this.#desks.size; round++) {
      const wanted = this.#wantedBy(units, answers);
      if (wanted.size === 0) break;
      const lookups = [...wanted].map(async ([name, keys]) => {
        const desk = this.#desks.get(name)!;
        const found = await this.#lookUp(desk, [...keys.values()]);
        const time = this.#settings.now();
        [...keys.keys()].forEach((code, i) => {
          answersOf(answers, name).set(code, found[i]!);
          if ("value" in found[i]!) desk.cache?.put(code, found[i], time);
        });
      });
      for (const done of await Promise.allSettled(lookups)) if (done.status === "rejected") throw done.reason;
    }
    return answers;
  }

  /** What is needed and not known: by operator, by key code. */
  #wantedBy(
    units: readonly IncomingUnit[],
    answers: Map<string, Map<string, Answer>>,
  ): ReadonlyMap<string, ReadonlyMap<string, KeyValue>> {
    const time = this.#settings.now();
    const wanted = new Map<string, Map<string, KeyValue>>();
    const ask: Ask = ({ name }, key) => {
      const code = encodeKey({ key });
      const known = answers.get(name)?.get(code) ?? this.#desks.get(name)!.cache?.get(code, time);
      if (known !== undefined) {
        answersOf(answers, name).set(code, known); // the cache may lose it before the fold
        return known;
      }
      const keys = wanted.get(name);
      if (keys === undefined) wanted.set(name, new Map([[code, key]]));
      else keys.set(code, key);
      return undefined;
    };
    const enter = this.#settings.preparation.bind(ask);
    for (const unit of units) {
      try {
        const opened = unit.open();
        enter(unit.entry)(opened.value, opened);
      } catch {
        // The fold meets it again, and makes a dead letter of it, or stops (X7, X10).
      }
    }
    return wanted;
  }

  async #lookUp(desk: Desk, keys: readonly KeyValue[]): Promise<readonly Answer[]> {
    const { spec, limiter } = desk;
    const { lookup } = spec;
    if (lookup.kind === "call") {
      const call = lookup.call as (key: KeyValue, options: { readonly signal: AbortSignal }) => unknown;
      const one = (key: KeyValue) => this.#attempt(desk, async (signal) => [{ value: await call(key, { signal }) }], 1);
      return (await Promise.all(keys.map((key) => limiter.run(() => one(key))))).flat();
    }
    const table = this.#settings.lookups.tables.get(lookup.table);
    if (table === undefined) throw noTable(spec.name, lookup.table);
    const chunks = chunksOf(keys, table.maxKeys);
    const one = (chunk: readonly KeyValue[]) =>
      this.#attempt(
        desk,
        async (signal) => (await table.lookup(chunk, signal)).map((row) => rowAnswer(spec.name, lookup, row)),
        chunk.length,
      );
    return (await Promise.all(chunks.map((chunk) => limiter.run(() => one(chunk))))).flat();
  }

  /** A lookup that fails, or takes too long, as the operator wants it. @param answers how many it was to give */
  async #attempt(
    { spec: { name, timeout, onFailure }, breaker }: Desk,
    lookup: (signal: AbortSignal) => Promise<readonly Answer[]>,
    answers: number,
  ): Promise<readonly Answer[]> {
    const failed = (cause: unknown): readonly Answer[] => {
      const failure = lookupFailed(name, onFailure, cause);
      if (failure.kind === "infrastructure") throw failure;
      return Array.from({ length: answers }, (): Answer => ({ failure }));
    };
    const entry = await breaker?.enterAfterProbe();
    if (entry?.kind === "refused") return failed(breakerOpen(`What operator "${name}" asks`, entry.wait));
    let outcome: BreakerOutcome = "success";
    const { wait, left } = this.#settings.lookups;
    const limit = Math.max(Math.min(timeout, left?.() ?? timeout), 0);
    const controller = new AbortController();
    const { signal } = controller;
    const late = wait(limit, signal).then(() => {
      throw new Error(limit < timeout ? "the invocation's time was over" : `it took longer than ${timeout} ms`);
    });
    late.catch(() => undefined); // when the lookup was first
    try {
      const looking = lookup(signal);
      looking.catch(() => undefined); // when the time was up first
      return await Promise.race([looking, late]);
    } catch (cause) {
      outcome = isSystemic(cause) || limit < timeout ? "none" : "failure";
      if (isSystemic(cause)) throw cause; // no record is to blame, and none is to be mended one by one (X10)
      return failed(cause);
    } finally {
      controller.abort();
      entry?.settle(outcome);
    }
  }
}

function answersOf(answers: Map<string, Map<string, Answer>>, name: string): Map<string, Answer> {
  let of = answers.get(name);
  if (of === undefined) answers.set(name, (of = new Map<string, Answer>()));
  return of;
}

const chunksOf = <T>(items: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));

/** A row that its schema refuses is no better the next time: whoever needs it is a dead letter. */
export function rowAnswer(name: string, { table, schema }: TableLookup, row: unknown): Answer {
  if (row === undefined) return { value: undefined };
  try {
    return { value: validate(schema, row) };
  } catch (cause) {
    const message = `Operator "${name}" found a row in the table "${table}" that its schema refuses: ${messageOf(cause)}.`;
    return { failure: poisonError({ code: "enrich/row", message, cause }) };
  }
}

/** A lookup's failure, as the operator wants it: of whoever needs the answer, or of the service. */
export function lookupFailed(name: string, onFailure: LookupFailure, cause: unknown): MillraceError {
  const error = {
    code: "enrich/failed",
    message: `A lookup of operator "${name}" failed: ${messageOf(cause)}.`,
    cause,
  };
  if (onFailure !== "retry") return poisonError(error);
  return infrastructureError({ ...error, advice: "The batch comes again. Where that is not wanted, set onFailure." });
}

const noTable = (name: string, table: string): MillraceError =>
  systemicError({
    code: "enrich/no-table",
    message: `Operator "${name}" looks up in the table "${table}", which this deployment does not know.`,
    advice: "Deploy pipeline and infrastructure together.",
  });
