import type { Changelog, TaskItem } from "../state/changelog.ts";
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
  readonly fold: FoldSettings;
  /** Milliseconds after its arrival from which a record that comes alone is suspect. */
  readonly suspectAfter: number;
  readonly observer: Observer;
  readonly now: () => number;
  readonly newNonce: () => string;
}

/**
 * Finds records that kill the process (X7). The mapping bisects a batch that fails until such a record comes
 * alone, long after its arrival; only then is anything counted, and only from the fold's start to its end, so
 * that a service that fails never makes a record suspect. The count is in the task item, by build.
 */
export class Trials {
  readonly #task: string;
  readonly #settings: TrialSettings;
  /** Attempts that have ended, of which the table does not know yet. */
  readonly #owed: { readonly key: string; readonly position: string; readonly attempt: string }[] = [];

  constructor(task: string, settings: TrialSettings) {
    this.#task = task;
    this.#settings = settings;
  }

  /** Folds a batch. @returns how many records that were */
  async fold(records: readonly IncomingRecord[], fold: Fold, item: TaskItem): Promise<number> {
    const { now, suspectAfter } = this.#settings;
    const [record] = records;
    const position = record === undefined ? "" : positionText(record.position);
    const kills = this.#kills(item, position); // before the table knows more than what was read
    await this.#settle();
    if (records.length !== 1 || !fold.isNew(record!) || now() - record!.arrival <= suspectAfter) {
      return fold.records(records);
    }
    if (kills >= KILLS) return fold.condemn(record!);
    return this.#try(this.#task, position, () => fold.records(records));
  }

  /**
   * Takes back a dead letter that may kill the process. Its attempts are counted in an item of its own, whose key is
   * its id: a record of the stream, or another letter, may be on trial at the same time.
   *
   * @returns what `fold` does, or `condemn` once it has killed too often: how many records were folded
   */
  async redrive(id: string, fold: () => number, condemn: () => number): Promise<number> {
    await this.#settle();
    const { item } = await this.#settings.changelog.newest(id, { from: 1, limit: 1 });
    return this.#kills(item, REDRIVE) >= KILLS ? condemn() : this.#try(id, REDRIVE, fold);
  }

  async #try(key: string, position: string, fold: () => number): Promise<number> {
    const attempt = `${this.#settings.newNonce()} ${this.#settings.fold.build}`;
    try {
      // A beginning whose answer is lost is noted perhaps, and must be taken back too.
      await this.#settings.changelog.beginTrial(key, position, attempt);
      return fold();
    } finally {
      // Whatever came of it, the process lives.
      this.#owed.push({ key, position, attempt });
      await this.#settle();
    }
  }

  /** Another build's attempts say nothing of this one. */
  #kills({ trial }: TaskItem, position: string): number {
    if (trial?.position !== position) return 0;
    const owed = new Set(this.#owed.map(({ attempt }) => attempt));
    const isOwn = (attempt: string) => attempt.slice(attempt.indexOf(" ") + 1) === this.#settings.fold.build;
    return trial.attempts.filter((attempt) => isOwn(attempt) && !owed.has(attempt)).length;
  }

  /** Tells the table which attempts have ended. What cannot be told now is told before the next batch. */
  async #settle(): Promise<void> {
    const { changelog, observer } = this.#settings;
    while (this.#owed.length > 0) {
      const { key, position, attempt } = this.#owed[0]!;
      try {
        await changelog.endTrial(key, position, attempt);
      } catch (cause) {
        observer.notice(this.#task, "The end of an attempt at a suspect record could not be noted.", cause);
        return;
      }
      this.#owed.shift();
    }
  }
}
