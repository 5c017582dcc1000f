import { DEAD_LETTERS, type DeadLetter } from "../../../runtime/dead-letter.ts";
import type { LedgerCommit, LedgerTask } from "../ledger.ts";
import type { Simulation } from "../simulation.ts";

/** What it takes to call a record a killer. */
const KILLS = 3;

/** X7: a record is set aside unseen only after processes that had taken it alone ended, or could not say that they live. */
export function checkKills(simulation: Simulation, { name }: LedgerTask, { stored, outputs }: LedgerCommit): void {
  const { fail, changelog, environments, network } = simulation;
  for (const { sink, body } of outputs) {
    if (sink !== DEAD_LETTERS || !body.includes("process/killed")) continue;
    const { reason, position } = JSON.parse(body) as DeadLetter;
    if (reason.code !== "process/killed") continue;
    // An attempt is the nonce of a process, and its build.
    const attempts = changelog.itemOf(name).trial?.attempts ?? [];
    const numbers = attempts.map((attempt) => Number.parseInt(attempt, 10));
    const ended = numbers.filter((number) => environments.dead.has(number) || network.silenced.has(number));
    if (ended.length >= KILLS) continue;
    fail("X7", `${name}@${stored.epoch} sets ${position!.sequence} aside, which ended ${ended.length} processes.`);
  }
}
