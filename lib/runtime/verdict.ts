import { systemicError } from "../errors.ts";
import type { PoisonRecord } from "../state/poison-record.ts";

/** Fewer than this are too few to call a deployment or a producer broken (X10). */
const JUDGED_FROM = 100;

/** What was tried since the last commit, and how much of it became dead letters. */
interface Tally {
  tried: number;
  dead: number;
}

/** X10: when most is poison, it is not the records that are wrong. */
export class Verdict {
  readonly #task: string;
  readonly #poisonShare: number;
  #records: Tally = { tried: 0, dead: 0 };
  #units: Tally = { tried: 0, dead: 0 };
  #lastCode = "";

  /** @param poisonShare above this share of poison a task stops */
  constructor(task: string, poisonShare: number) {
    this.#task = task;
    this.#poisonShare = poisonShare;
  }

  /** A record was tried. */
  record(isDead: boolean): void {
    count(this.#records, isDead);
  }

  /** A window was closed or a timer fired. */
  unit(isDead: boolean): void {
    count(this.#units, isDead);
  }

  /** Why something became a dead letter. */
  blame(code: string): void {
    this.#lastCode = code;
  }

  /**
   * Judges what was tried since the last call.
   *
   * @throws systemic error `poison/systemic`
   */
  pass({ seen, poison }: PoisonRecord): void {
    const tooMany = ({ tried, dead }: Tally) => tried >= JUDGED_FROM && dead / tried > this.#poisonShare;
    const recent = { tried: seen, dead: poison };
    if (tooMany(this.#records)) throw this.#systemic(this.#records, "records of a batch");
    if (tooMany(this.#units)) throw this.#systemic(this.#units, "windows closed and timers fired at once");
    if (this.#records.dead > 0 && tooMany(recent)) throw this.#systemic(recent, "records in a row");
    this.#records = { tried: 0, dead: 0 };
    this.#units = { tried: 0, dead: 0 };
  }

  #systemic({ tried, dead }: Tally, what: string) {
    return systemicError({
      code: "poison/systemic",
      message: `Task ${this.#task}: ${dead} of ${tried} ${what} are poison, the last by ${this.#lastCode}.`,
      advice:
        "Nothing was committed and nothing was lost. Deploy a build that reads them, or consent to losing them to the " +
        'dead-letter queue with pipeline(…, { poison: { share: 1 } }). See docs/operations.md, section "A task stands still".',
    });
  }
}

function count(tally: Tally, isDead: boolean): void {
  tally.tried++;
  if (isDead) tally.dead++;
}
