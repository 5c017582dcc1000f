import { infrastructureError } from "../errors.ts";
import type { Changelog, TaskItem, Trial } from "../state/changelog.ts";
import { positionText } from "../state/position.ts";
import type { Fold, FoldSettings } from "./fold.ts";
import type { Observer } from "./observer.ts";
import type { IncomingRecord } from "./record.ts";

/** So many attempts that began and did not end, and a record is set aside unseen. */
const KILLS = 3;

/** What the item of a dead letter's attempts has for a position. */
const REDRIVE = "redrive";

export interface TrialSettings {
  readonly changelog: Changelog;
  readonly fold: Pick<FoldSettings, "build">;
  /** Milliseconds after its arrival from which a record that comes alone is suspect. */
  readonly suspectAfter: number;
  readonly observer: Observer;
  readonly now: () => number;
  readonly newNonce: () => string;
}

/**
 * Finds records that kill the process (X7). The mapping bisects a batch that fails until such a record comes
 * alone, long after its arrival; only then is anything counted, and only from the fold's start to its end, so
 * that a service that fails never makes a record suspect. The count is in the task item, by build. A beginning is
 * noted only if nothing was noted since the item was read: one that arrives after its own end is none.
 */
export class Trials {
  readonly #task: string;
  readonly #settings: TrialSettings;
  /** Attempts that have ended, of which the table does not know yet. */
  readonly #owed: { readonly key: string; readonly attempt: string }[] = [];

  constructor(task: string, settings: TrialSettings) {
    this.#task = task;
    this.#settings = settings;
  }

  /**
   * Folds a batch.
   *
   * @param prepare comes before the fold. User code runs in it, so it is a part of the attempt; that it fails ends one
   * @returns how many records that were
   */
  async fold(
    records: readonly IncomingRecord[],
    fold: Fold,
    item: TaskItem,
    prepare: () => Promise<void>,
  ): Promise<number> {
    const { now, suspectAfter } = this.#settings;
    const isOutdated = await this.#settle();
    const [record] = records;
    if (records.length !== 1 || !fold.isNew(record!) || now() - record!.arrival <= suspectAfter) {
      await prepare();
      return fold.records(records);
    }
    const trial = isOutdated ? await this.#read(this.#task) : item.trial;
    const position = positionText(record!.position);
    if (this.#kills(trial, position) >= KILLS) return fold.condemn(record!);
    return this.#try(this.#task, trial, position, async () => {
      await prepare();
      return fold.records(records);
    });
  }

  /**
   * Takes back a dead letter that may kill the process. Its attempts are counted in an item of its own, whose key is
   * its id: a record of the stream, or another letter, may be on trial at the same time.
   *
   * @returns what `fold` does, or `condemn` once it has killed too often: how many records were folded
   */
  async redrive(id: string, fold: () => Promise<number>, condemn: () => number): Promise<number> {
    return this.alone(id, REDRIVE, fold, condemn);
  }

  /**
   * Works off one thing alone that may kill the process.
   *
   * @param key of the item that its attempts are counted in: those at another thing by the same key are forgotten
   * @param what names the thing
   */
  async alone<T>(key: string, what: string, fold: () => Promise<T>, condemn: () => T): Promise<T> {
    await this.#settle();
    const trial = await this.#read(key);
    return this.#kills(trial, what) >= KILLS ? condemn() : this.#try(key, trial, what, fold);
  }

  async #read(key: string): Promise<Trial> {
    const { item } = await this.#settings.changelog.newest(key, { from: Number.MAX_SAFE_INTEGER - 1, limit: 1 });
    return item.trial;
  }

  async #try<T>(key: string, trial: Trial, position: string, fold: () => Promise<T>): Promise<T> {
    const { changelog, newNonce, fold: settings } = this.#settings;
    const attempt = `${newNonce()} ${settings.build}`;
    let isNoted = true; // perhaps, where its answer is lost: then it must be taken back too
    try {
      isNoted = await changelog.beginTrial(key, trial, position, attempt);
      if (!isNoted) throw contended(key);
      return await fold();
    } finally {
      // Whatever came of it, the process lives.
      if (isNoted) this.#owed.push({ key, attempt });
      await this.#settle();
    }
  }

  /** Another build's attempts say nothing of this one. */
  #kills(trial: Trial, position: string): number {
    if (trial.position !== position) return 0;
    const owed = new Set(this.#owed.map(({ attempt }) => attempt));
    const isOwn = (attempt: string) => attempt.slice(attempt.indexOf(" ") + 1) === this.#settings.fold.build;
    return trial.attempts.filter((attempt) => isOwn(attempt) && !owed.has(attempt)).length;
  }

  /**
   * Tells the table which attempts have ended. What cannot be told now is told before the next batch.
   *
   * @returns whether the table knows more now than what was read before
   */
  async #settle(): Promise<boolean> {
    const { changelog, observer } = this.#settings;
    const isOwed = this.#owed.length > 0;
    while (this.#owed.length > 0) {
      const { key, attempt } = this.#owed[0]!;
      try {
        await changelog.endTrial(key, attempt);
      } catch (cause) {
        observer.notice(this.#task, "The end of an attempt at a suspect record could not be noted.", cause);
        return true;
      }
      this.#owed.shift();
    }
    return isOwed;
  }
}

const contended = (key: string) =>
  infrastructureError({
    code: "task/contended",
    message: `While an attempt at a suspect record of ${key} was to begin, another began or ended.`,
    advice: "It comes again. One mapping per source is allowed; look for a second one.",
  });
