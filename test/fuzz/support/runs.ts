import fc from "fast-check";
import { onTestFinished } from "vitest";

/**
 * How long a fuzz test runs. `FUZZ_RUNS` multiplies the cases of every test (1 in `npm test`), `FUZZ_SEED` repeats what
 * a failure has printed.
 */
const FACTOR = Number(process.env["FUZZ_RUNS"] ?? 1);
const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 0x7fffffff));

/** Whether there is time for cases that take seconds and hundreds of megabytes. */
export const IS_LONG = FACTOR > 1;

/** Milliseconds a test may take. */
export const FUZZ_TIMEOUT = 60_000 * Math.max(1, FACTOR);

export const fuzzRuns = (cases: number) => ({ numRuns: Math.max(1, Math.round(cases * FACTOR)), seed: SEED });

/** A fixed choice of values, the same for a seed. */
export const pool = <T>(values: fc.Arbitrary<T>, size: number): T[] => fc.sample(values, { numRuns: size, seed: SEED });

/** Counts what became of the cases, and prints it with the seed. */
export class Outcomes {
  readonly #counts = new Map<string, number>();

  constructor(title: string) {
    onTestFinished(() => {
      const counts = [...this.#counts].sort(([, a], [, b]) => b - a).map(([what, n]) => `${what} ${n}`);
      process.stdout.write(`fuzz: ${title}, FUZZ_SEED=${SEED}: ${counts.join(", ")}\n`);
    });
  }

  count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}
