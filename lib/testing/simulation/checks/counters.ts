import { isPartialEntry, keyByOf } from "../../../operators/pre-aggregate.ts";
import { KILLED } from "../../../runtime/dead-letter.ts";
import type { Oracle } from "../oracle.ts";
import type { Simulation } from "../simulation.ts";
import type { SimulatedStage } from "../stage.ts";
import { counterOf, deadRecords, lettersOf, tasksOf, type FoldedCommit } from "./lineage.ts";
import { parseElement, sentTo } from "./shuffles.ts";
import { unitsOfLetter } from "./taken.ts";

/** Counters are committed with the state, so they are exact. */
export function compareCounters(
  { fail }: Simulation,
  stage: SimulatedStage,
  oracle: Oracle,
  folded: readonly FoldedCommit[],
): void {
  const expected = oracle.counters();
  const { name: source } = stage.plan.input;
  expected.set(
    `${source} in`,
    folded.reduce((sum, commit) => sum + recordsIn(stage, commit), 0),
  );
  expected.set(
    `${source} dead`,
    folded.reduce((sum, commit) => sum + deadIn(stage, commit), 0),
  );
  setSent(stage, expected);
  const found = new Map<string, number>();
  for (const { commits } of tasksOf(stage)) {
    const last = commits.at(-1)!;
    for (const [name] of last.commit.header.counters) found.set(name, (found.get(name) ?? 0) + counterOf(last, name));
  }
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const [all, counted] = [expected.get(name) ?? 0, found.get(name) ?? 0];
    if (all === counted) continue;
    fail("counters", `All tasks of ${stage.name} together count ${counted} for "${name}"; there were ${all}.`);
  }
}

/** How many records a commit took in, those among them that it took back. */
export function recordsIn(stage: SimulatedStage, { task, commit, units, redriven }: FoldedCommit): number {
  let sum = 0;
  for (const taken of units.values()) for (const { records } of taken) sum += records;
  const dead = redriven.length > 0 ? deadRecords(task, commit) : undefined;
  for (const letter of redriven) {
    if (letter.kind !== "record") continue;
    const isKilledAgain = dead!.get(letter.position!.sequence)?.reason.code === KILLED;
    if (isKilledAgain) sum++;
    else for (const { records } of unitsOfLetter(stage, letter)) sum += records;
  }
  return sum;
}

/** How many records of a commit became dead letters. What kills counts as one. */
function deadIn(stage: SimulatedStage, { commit }: FoldedCommit): number {
  let sum = 0;
  for (const letter of lettersOf(commit)) {
    if (letter.kind !== "record") continue;
    if (letter.reason.code === KILLED) sum++;
    else for (const { records } of unitsOfLetter(stage, letter)) sum += records;
  }
  return sum;
}

/** How many partials are sent depends on how batches are cut. */
function setSent(stage: SimulatedStage, expected: Map<string, number>): void {
  for (const { stage: reader, keyBys } of stage.plan.shuffles) {
    const entries = sentTo(stage, reader).map(({ body }) => parseElement(body).entry);
    for (const { name } of keyBys) {
      const partials = entries.filter((entry) => isPartialEntry(entry) && keyByOf(entry) === name);
      if (partials.length > 0) expected.set(`${name} sent`, partials.length);
    }
  }
}
