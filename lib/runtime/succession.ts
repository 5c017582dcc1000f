import type { Changelog, TaskItem } from "../state/changelog.ts";
import type { Heir, Legacy } from "../state/inheritance.ts";
import type { Partition } from "../state/partition.ts";
import { taskName, type TaskId } from "../state/task-id.ts";
import type { LoadedTask } from "./loaded-task.ts";
import type { Observer } from "./observer.ts";
import { rootsOf } from "./shuffle/news.ts";
import type { SourcePartitions } from "./source-partitions.ts";
import { notListed, parentNotDone } from "./task-errors.ts";
import { firstTickOutput } from "./tick.ts";

export interface SuccessionSettings {
  readonly id: TaskId;
  /** Milliseconds of silence after which event time moves by itself. */
  readonly idle: number;
  readonly partitions: SourcePartitions;
  /** The task of another partition, in this process. */
  readonly taskOf: (partition: string) => { seal(known: readonly Partition[]): Promise<Legacy> };
  readonly changelog: Changelog;
  readonly observer: Observer;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** How a task takes over from those of its partition's parents, and hands over to those of its children. */
export class Succession {
  readonly #settings: SuccessionSettings;
  readonly #name: string;

  constructor(settings: SuccessionSettings) {
    this.#settings = settings;
    this.#name = taskName(settings.id);
  }

  /**
   * A task without commits begins with what its partition's parents have left, after sealing them.
   *
   * @param heirs what the one that asks for a seal knows of partitions; nothing when the task has a turn of its own
   * @throws infrastructure error `reshard/parent-not-done`
   */
  async open(task: LoadedTask, item: TaskItem, heirs: readonly Partition[] | undefined): Promise<void> {
    const { id, partitions, taskOf, idle, observer } = this.#settings;
    const known = [...(heirs ?? (await partitions.list())), ...(item.lineage ?? [])];
    const own = known.find((partition) => partition.id === id.partition);
    task.roots = rootsOf(known);
    if (own === undefined) {
      if (heirs === undefined) throw notListed(this.#name);
      observer.notice(this.#name, "The partition is listed no more and has no commits: it leaves nothing.");
      return;
    }
    task.state.range = own.range;
    if (own.parents.length === 0) return;
    try {
      const legacies = await Promise.all(own.parents.map((parent) => taskOf(parent).seal(known)));
      task.startAsHeir({ partition: id.partition, range: own.range }, legacies, idle);
    } catch (thrown) {
      await this.#remember(own, known, item);
      throw thrown;
    }
  }

  /** What a parent cannot give yet it may give when the source has long forgotten who its children are. */
  async #remember(own: Partition, known: readonly Partition[], item: TaskItem): Promise<void> {
    if (item.lineage !== undefined) return;
    const family = known.filter(({ parents }) => parents.some((parent) => own.parents.includes(parent)));
    await this.#settings.changelog.noteLineage(this.#name, family);
  }

  /**
   * Ends the task, with a first tick for each that takes over.
   *
   * @param known partitions that are listed, or were
   * @throws infrastructure error `reshard/parent-not-done` while the partition holds records above the position
   */
  async seal({ state, fold }: LoadedTask, known: readonly Partition[]): Promise<number> {
    const { id, partitions, observer, now } = this.#settings;
    const isListed = (await partitions.list()).some((partition) => partition.id === id.partition);
    if (!isListed) {
      observer.notice(this.#name, "The partition is listed no more: what it held and was not folded is lost.");
    } else if (!(await partitions.isAtTip(id.partition, state.position.sequence))) {
      throw parentNotDone(this.#name);
    }
    const heirs = new Map<string, Heir>();
    for (const { id: partition, parents, range } of known) {
      if (parents.includes(id.partition)) heirs.set(partition, { partition, ...range });
    }
    state.sealed = [...heirs.values()];
    state.tick = undefined;
    for (const partition of heirs.keys()) fold.send(firstTickOutput(taskName({ ...id, partition }), now()));
    return 0;
  }
}
