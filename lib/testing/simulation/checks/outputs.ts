import { TICKS } from "../../../runtime/tick.ts";
import type { Simulation } from "../simulation.ts";

/** X5: every output of a commit that won is with its sink, in the end. */
export function checkDelivered({ ledger, fail }: Simulation): void {
  for (const { name, commits } of ledger.tasks.values()) {
    for (const { stored, outputs, undelivered } of commits) {
      if (undelivered === 0) continue;
      const waiting = outputs.filter(({ delivered }) => !delivered).map(({ id, sink }) => `${id} for ${sink}`);
      fail("X5", `Commit ${stored.epoch} of ${name} was never delivered whole: ${waiting.slice(0, 5).join(", ")}.`);
    }
  }
}

/** X12: a task has no more than one tick on its way, once late ones have come. */
export function checkTicks({ stages, fail }: Simulation): void {
  const byTask = new Map<string, Set<string>>();
  for (const message of stages.flatMap(({ ticks }) => [...ticks.waiting])) {
    if (message.type !== "tick") continue;
    const ids = byTask.get(message.task);
    if (ids === undefined) byTask.set(message.task, new Set([message.id]));
    else ids.add(message.id);
  }
  for (const [task, ids] of byTask) {
    if (ids.size > 1) fail("X12", `${task} has ${ids.size} ticks in ${TICKS}: ${[...ids].join(", ")}.`);
  }
}
