import type { TaskStatus } from "millrace/lambda";
import { END_OF_TIME } from "../../lib/time/instant.ts";

export interface DrainOptions {
  /** The names of the tasks that take input. */
  readonly names: readonly string[];
  /** The names of those that read from them, through any number of stages: they end by themselves. @default none */
  readonly readers?: readonly string[];
  readonly send: (task: string) => Promise<void>;
  /** Whether no record and no message waits, and no function is at work. */
  readonly isSettled: () => Promise<boolean>;
  /** Gives all tasks, also those that have handed over to others. */
  readonly look: () => Promise<readonly TaskStatus[]>;
  readonly sleep: (millis: number) => Promise<void>;
  /** Told when every task was told once: from here on faults may stop. */
  readonly onSent?: () => void;
  /** Told when the queue is empty, before anyone looks: what was used until now was used by the pipeline. */
  readonly onSettled?: () => Promise<void>;
}

const MILLIS_PER_LOOK = 100;
/** How long a message may take before an operator would say it again. */
const LOOKS_PER_ROUND = 40;
const MOST_ROUNDS = 40;

/**
 * Ends the input of every task, and waits until each one's watermark, and that of each of their readers, is at the end of
 * time and what it sent is delivered. A task refuses the message while its shard holds more, and the queue hides a refused message for
 * minutes; so it is sent again, which changes nothing where it was heard.
 */
export async function drainAll(options: DrainOptions): Promise<readonly TaskStatus[]> {
  let open = options.names;
  let waiting = [...options.names, ...(options.readers ?? [])];
  let tasks: readonly TaskStatus[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    await Promise.all(open.map(options.send));
    if (round === 0) options.onSent?.();
    for (let look = 0; look < LOOKS_PER_ROUND && !(await options.isSettled()); look++)
      await options.sleep(MILLIS_PER_LOOK);
    if (round === 0) await options.onSettled?.();
    tasks = await options.look();
    const ended = new Set(tasks.filter(hasEnded).map(({ task }) => task));
    open = open.filter((name) => !ended.has(name));
    waiting = waiting.filter((name) => !ended.has(name));
    if (waiting.length === 0) return tasks;
    // Nobody is told anything, and nothing is under way: what must come is a tick that is delayed.
    if (open.length === 0) await options.sleep(MILLIS_PER_LOOK);
  }
  const stuck = tasks
    .filter(({ task }) => waiting.includes(task))
    .map(({ task, epoch, watermark }) => `${task}@${epoch} (watermark ${String(watermark)})`);
  throw new Error(`The input was ended, but these tasks did not come to its end: ${stuck.join(", ")}.`);
}

const hasEnded = ({ watermark, delivered }: TaskStatus): boolean => watermark === END_OF_TIME && delivered;
