import type { Answer, EnrichSpec } from "../../operators/enrich.ts";
import type { Ask, Preparation } from "../../operators/preparation.ts";
import { AnswerCache } from "../../runtime/answer-cache.ts";
import { lookupFailed, rowAnswer, type Answers } from "../../runtime/enrichment.ts";
import type { IncomingUnit } from "../../runtime/intake.ts";
import { encodeKey, type KeyValue } from "../../state/key.ts";
import { noAnswer } from "./driver-errors.ts";

/** What a test says is found. */
export type Answering = (key: KeyValue) => unknown;

/** Looks up what values need, as the runtime does before a fold, with a test's answers. */
export class DriverLookups {
  /** By the name of an operator that calls. */
  readonly calls = new Map<string, Answering>();
  /** By the name of a table. */
  readonly tables = new Map<string, Answering>();
  readonly #now: () => number;
  readonly #caches = new Map<string, AnswerCache>();

  /** @param now epoch milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Forgets answers, as processes do that begin anew. */
  restart(): void {
    this.#caches.clear();
  }

  /**
   * @param units one that cannot be opened becomes a dead letter in the fold
   * @throws definition error `driver/no-answer`; infrastructure error `enrich/failed`
   */
  answersFor({ bind }: Preparation, units: readonly IncomingUnit[]): Answers {
    const answers = new Map<string, Map<string, Answer>>();
    let failure: { readonly cause: unknown } | undefined;
    const ask: Ask = (spec, key) => {
      const code = encodeKey({ key });
      const found = answers.get(spec.name)?.get(code);
      if (found !== undefined) return found;
      try {
        const answer = this.#answer(spec, key, code);
        answers.set(spec.name, (answers.get(spec.name) ?? new Map<string, Answer>()).set(code, answer));
        return answer;
      } catch (cause) {
        failure ??= { cause };
        return undefined;
      }
    };
    const enter = bind(ask);
    for (const unit of units) {
      try {
        const opened = unit.open();
        enter(unit.entry)(opened.value, opened);
      } catch {
        // The fold meets it again, and makes a dead letter of it, or stops (X7, X10).
      }
    }
    if (failure !== undefined) throw failure.cause;
    return answers;
  }

  #answer(spec: EnrichSpec, key: KeyValue, code: string): Answer {
    const { name, cache } = spec;
    if (cache === undefined) return this.#ask(spec, key);
    const kept = this.#caches.get(name) ?? new AnswerCache(cache);
    this.#caches.set(name, kept);
    const known = kept.get(code, this.#now());
    if (known !== undefined) return known;
    const answer = this.#ask(spec, key);
    if ("value" in answer) kept.put(code, answer, this.#now());
    return answer;
  }

  #ask({ name, lookup, onFailure }: EnrichSpec, key: KeyValue): Answer {
    const answering = lookup.kind === "call" ? this.calls.get(name) : this.tables.get(lookup.table);
    if (answering === undefined) throw noAnswer(name, key, lookup.kind === "table" ? lookup.table : undefined);
    let found: unknown;
    try {
      found = answering(key);
    } catch (cause) {
      const failure = lookupFailed(name, onFailure, cause);
      if (failure.kind === "poison") return { failure };
      throw failure;
    }
    return lookup.kind === "table" ? rowAnswer(name, lookup, found) : { value: found };
  }
}
