import { MillraceError, systemicError } from "../errors.ts";
import type { TaskItem } from "../state/changelog.ts";

/** The errors that say that something stored cannot be read: something older, and the log since, may do instead. */
const DAMAGE = new Set(["state/corrupt", "state/codec", "state/version", "state/gone"]);

const ADVICE = 'See docs/operations.md, section "A damaged commit or checkpoint".';

/** What of a task cannot be read: found on the way, passed by where that is right, and named where it is not. */
export class Damages {
  readonly #task: string;
  readonly #commits = new Map<number, MillraceError>();
  readonly #objects = new Map<string, MillraceError>();

  constructor(task: string) {
    this.#task = task;
  }

  get some(): boolean {
    return this.#commits.size + this.#objects.size > 0;
  }

  /** The highest epoch whose commit cannot be read; zero for none. State below it leads no further. */
  get highestCommit(): number {
    return Math.max(0, ...this.#commits.keys());
  }

  hasObject(key: string): boolean {
    return this.#objects.has(key);
  }

  /** Runs what needs a commit. @returns nothing when that is damaged, which is noted */
  ofCommit<T>(epoch: number, read: () => Promise<T>): Promise<T | undefined> {
    return this.#noting(this.#commits, epoch, read);
  }

  /** Runs what needs a checkpoint's object. @returns nothing when that is damaged, which is noted */
  ofObject<T>(key: string, read: () => Promise<T>): Promise<T | undefined> {
    return this.#noting(this.#objects, key, read);
  }

  /** Forgets objects that are not needed any more: the task has newer checkpoints. */
  keepPointedTo({ checkpoint, previousCheckpoint }: TaskItem): void {
    const kept = new Set([checkpoint?.key, previousCheckpoint?.key]);
    for (const key of this.#objects.keys()) if (!kept.has(key)) this.#objects.delete(key);
  }

  /** All of it as one error. */
  error(): MillraceError {
    const all = [...this.#objects.values(), ...this.#commits.values()];
    if (all.length === 1) return all[0]!;
    // What another build or Node can read is not damaged, and has an advice of its own.
    const [{ code, advice = ADVICE }] = all as [MillraceError];
    const isOne = all.every((error) => error.code === code);
    const message = `Task ${this.#task} cannot be loaded: ${all.map(withoutAdvice).join(" ")}`;
    return systemicError({
      ...(isOne ? { code, advice } : { code: "state/corrupt", advice: ADVICE }),
      message,
      cause: all[0],
    });
  }

  async #noting<K, T>(notes: Map<K, MillraceError>, which: K, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (thrown) {
      if (!(thrown instanceof MillraceError) || !DAMAGE.has(thrown.code)) throw thrown;
      notes.set(which, thrown);
      return undefined;
    }
  }
}

const withoutAdvice = ({ message, advice }: MillraceError): string =>
  advice !== undefined && message.endsWith(advice) ? message.slice(0, -advice.length).trimEnd() : message;

export const gone = (task: string, what: string): MillraceError =>
  systemicError({
    code: "state/gone",
    message: `Task ${task} cannot be loaded: ${what}.`,
    advice: `Restore what is missing from a backup, or begin a new generation. ${ADVICE}`,
  });
