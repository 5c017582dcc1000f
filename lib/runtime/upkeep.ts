import { kindAtService } from "../errors.ts";
import type { TaskItem } from "../state/changelog.ts";
import type { CommitWriter } from "./commit-writer.ts";
import type { LoadedTask } from "./loaded-task.ts";
import type { Observer } from "./observer.ts";

/** Keeps what a task has stored short and safe (X11). What fails of it is no failure of a turn: the next one tries again. */
export class Upkeep {
  readonly #task: string;
  readonly #settings: { readonly writer: CommitWriter; readonly observer: Observer };

  constructor(task: string, settings: { readonly writer: CommitWriter; readonly observer: Observer }) {
    this.#task = task;
    this.#settings = settings;
  }

  /** What a sweep does beyond a turn: state that grows old is made safe, and what is superseded goes (X11). */
  async lookAfter(task: LoadedTask, item: TaskItem): Promise<boolean> {
    if (task.epoch === 0) return false;
    const checkpointed = await this.checkpoint(task, item);
    try {
      await this.#settings.writer.forgetCheckpoints(this.#task, item);
    } catch (cause) {
      this.#settings.observer.notice(this.#task, "Superseded checkpoints could not be deleted.", cause);
    }
    return checkpointed;
  }

  /** A part of one, where one is due or begun. @returns whether one is written */
  async checkpoint(task: LoadedTask, item: TaskItem): Promise<boolean> {
    const { writer, observer } = this.#settings;
    const due = writer.checkpointDue(task, item.checkpoint);
    if (due === "no" && task.pending === undefined) return false;
    try {
      return await writer.checkpoint(this.#task, task, due, item.checkpoint);
    } catch (cause) {
      if (kindAtService(cause) !== "infrastructure") throw cause;
      observer.notice(this.#task, "A checkpoint could not be written; the next turn tries again.", cause);
      return false;
    }
  }
}
