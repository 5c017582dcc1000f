import { DEAD_LETTERS, type DeadLetter } from "../../../runtime/dead-letter.ts";
import { positionText } from "../../../state/position.ts";
import type { LedgerCommit, LedgerTask } from "../ledger.ts";
import type { Simulation } from "../simulation.ts";

/** What it takes to call a record a killer. */
const KILLS = 3;

/** X7: a record is set aside unseen only after processes that had taken it alone ended, or could not say that they live. */
export function checkKills(
  simulation: Simulation,
  { name }: LedgerTask,
  { stored, outputs, redriven }: LedgerCommit,
): void {
  const { fail, changelog, network } = simulation;
  const writer = Number.parseInt(stored.nonce, 10); // it has nothing else under way for this task
  for (const { sink, body } of outputs) {
    if (sink !== DEAD_LETTERS || !body.includes("process/killed")) continue;
    const { reason, position } = JSON.parse(body) as DeadLetter;
    if (reason.code !== "process/killed") continue;
    // An attempt is the nonce of a process, and its build. What the table still knows of them may be less by now, and
    // one that is under way looks like one that did not end.
    // What was taken back has an item of its own, under its id.
    const of = changelog.attempts.filter(({ task, position: at }) =>
      redriven.length > 0 ? redriven.includes(task) : task === name && at === positionText(position!),
    );
    const open = [...new Set(of.map(({ attempt }) => attempt))].filter((attempt) => {
      if (!attempt.endsWith(` ${stored.build}`)) return false; // another build's says nothing of this one
      const number = Number.parseInt(attempt, 10);
      return network.silenced.has(number) || (number !== writer && simulation.wasAtWork(number));
    });
    if (open.length >= KILLS) continue;
    fail(
      "X7",
      `${name}@${stored.epoch} sets ${position?.sequence ?? redriven.join()} aside, after ${open.length} attempts that did not end.`,
    );
  }
}
