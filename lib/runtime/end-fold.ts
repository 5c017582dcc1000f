import type { ProgramShuffle } from "../operators/program.ts";
import type { Output } from "../state/commit.ts";
import { taskName, type TaskId } from "../state/task-id.ts";
import type { LoadedTask } from "./loaded-task.ts";
import { tellReaders } from "./shuffle/news.ts";
import { wakeProducers } from "./shuffle/wake-producers.ts";
import { dueTick, tickOutput } from "./tick.ts";

export interface EndFoldSettings {
  readonly id: TaskId;
  readonly shuffles: readonly ProgramShuffle[];
  /** Milliseconds of silence after which event time moves by itself. */
  readonly idle: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly newNonce: () => string;
}

/**
 * Ends the fold of a turn that commits: adds what readers must know, what producers are asked and the tick that must come.
 *
 * @returns the commit's outputs
 * @throws systemic error `poison/systemic`; the state is then of no use any more
 */
export function endFold(task: LoadedTask, settings: EndFoldSettings): readonly Output[] {
  const { id, shuffles, now } = settings;
  task.fold.flush();
  tellReaders(task, id, shuffles, now());
  wakeProducers(task, now());
  armTick(task, settings);
  return task.fold.complete();
}

/** A task with open windows has one tick on its way, and no more than one. */
function armTick(task: LoadedTask, settings: EndFoldSettings): void {
  const at = dueTick(task, settings);
  if (at === undefined) return;
  task.state.tick = { id: settings.newNonce(), at };
  task.fold.send(tickOutput(taskName(settings.id), task.state.tick));
}
