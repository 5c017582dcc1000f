import { DEAD_LETTERS, type DeadLetter } from "../../../runtime/dead-letter.ts";
import { BROKEN_BUILD, throwsIn, unitName } from "../broken-build.ts";
import { unitText } from "../oracle.ts";
import type { Simulation } from "../simulation.ts";
import { lettersOf, type FoldedCommit } from "./lineage.ts";

/** What a dead letter of a window or timer is about; nothing for another's. */
export const nameIn = ({ unit }: DeadLetter): string | undefined =>
  unit && unitName(unit.operator, unit.keyCode, unit.about);

/** The windows and timers on which a broken build threw when they were due, and in which commits. */
export function brokenUnits(
  { fail, draws }: Simulation,
  folded: readonly FoldedCommit[],
): ReadonlyMap<string, readonly number[]> {
  const broken = new Map<string, number[]>();
  for (const [index, { task, commit, redriven }] of folded.entries()) {
    const { build, epoch } = commit.stored;
    const runAgain = new Set(redriven.map(nameIn));
    for (const letter of lettersOf(commit)) {
      const name = nameIn(letter);
      if (name === undefined || letter.reason.code !== BROKEN_BUILD) continue;
      if (!throwsIn(draws, build, name)) {
        fail("X7", `${task.name}@${epoch} makes a dead letter of ${name}, on which ${build} does not throw.`);
      }
      if (runAgain.has(name)) continue; // it was due before
      const commits = broken.get(name) ?? [];
      broken.set(name, commits);
      commits.push(index);
    }
  }
  return broken;
}

/** How often which window or timer became a dead letter, but for those on which a broken build threw. */
export function deadUnitsIn({ ledger }: Simulation, stage: string): ReadonlyMap<string, number> {
  const units = new Map<string, number>();
  for (const body of ledger.received.get(DEAD_LETTERS)?.values() ?? []) {
    const { operator, reason, unit, stage: of } = JSON.parse(body) as DeadLetter;
    if (of !== stage || unit === undefined || reason.code === BROKEN_BUILD) continue;
    const text = unitText(operator, Object.values(unit.key), unit.about);
    units.set(text, (units.get(text) ?? 0) + 1);
  }
  return units;
}
