import { DEAD_LETTERS, type DeadLetter } from "../../runtime/dead-letter.ts";
import type { Simulation } from "./simulation.ts";

/** Times at which dead letters may be given back. */
const MOMENTS = 10;

/** A queue keeps a message no longer, in milliseconds (AWS: SQS quotas). */
const KEPT = 14 * 86_400_000;

/** A dead letter as it was delivered, with its id. */
export const letterOf = (id: string, body: string): DeadLetter => ({ ...(JSON.parse(body) as DeadLetter), id });

/** Plans when an operator gives dead letters back to their tasks. */
export function planRedrives(simulation: Simulation, end: number): void {
  const { clock, draws, settings } = simulation;
  const length = end - settings.start;
  for (let moment = 0; moment < MOMENTS; moment++) {
    const at = settings.start + length * ((moment + draws.at("redrives", moment)) / MOMENTS);
    clock.at(Math.round(at), () => mayRedrive(simulation));
  }
}

/**
 * Gives some of the letters back that their queue holds by now, each perhaps several times: there may be copies of it,
 * those of letters too that were taken back long ago.
 */
export function mayRedrive({ faults, ledger, stageNamed, redriven, tell, clock }: Simulation): void {
  const fault = faults.at("redrives", ["redrive"]);
  if (fault === undefined) return;
  const { draws } = fault;
  const share = draws.pick([0.2, 0.6, 1]);
  for (const [id, body] of ledger.received.get(DEAD_LETTERS) ?? []) {
    if (!draws.chance(share)) continue;
    const letter = letterOf(id, body);
    const commit = ledger.tasks
      .get(letter.task)!
      .commits.find(({ outputs }) => outputs.some((one) => one.id === id || `${one.id}!refused` === id));
    if (clock.now - commit!.at > KEPT) continue;
    redriven.add(id);
    for (let n = draws.pick([1, 1, 2, 3]); n > 0; n--) {
      const delay = Math.round(10 ** (2 + 4.5 * draws.next())); // up to 53 minutes
      tell(`${id} is redriven in ${delay} ms`);
      stageNamed(letter.stage).ticks.send({ type: "redrive", task: letter.task, letter }, delay);
    }
  }
}
