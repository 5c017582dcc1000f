import type { LedgerTask } from "../ledger.ts";
import type { Simulation } from "../simulation.ts";
import { deadRecords, type FoldedCommit } from "./lineage.ts";

/** So many of a task's newest records are judged, and none before there are so many. */
const MOST_JUDGED = 1_000;
const LEAST_JUDGED = 100;

/** So many records in a row that end the process are no poison, but a broken build. */
const KILLED_IN_A_ROW = 3;

interface Verdicts {
  build: string;
  /** Whether they became dead letters, the oldest first. */
  dead: boolean[];
  killed: number;
}

/** X10: a task stops before a broken build makes dead letters of most records. X7: and before it takes all for killers. */
export function checkVerdicts({ settings, fail }: Simulation, folded: readonly FoldedCommit[]): void {
  const { share } = settings.pipeline.poison;
  const byTask = new Map<LedgerTask, Verdicts>();
  for (const { task, commit, records, units } of folded) {
    const { build, epoch } = commit.stored;
    let verdicts = byTask.get(task);
    // Another build's poison says nothing of this one.
    if (verdicts?.build !== build) byTask.set(task, (verdicts = { build, dead: [], killed: 0 }));
    if (records.length === 0) continue; // nobody judges what is taken back
    const letters = deadRecords(task, commit);
    for (const record of records) {
      const codes = units.get(record)!.map(({ name }) => letters.get(name)?.reason.code);
      for (const code of codes) verdicts.dead.push(code !== undefined);
      verdicts.killed = codes.includes("process/killed") ? verdicts.killed + 1 : 0;
      if (verdicts.killed >= KILLED_IN_A_ROW && share < 1) {
        fail("X7", `${task.name}@${epoch} sets aside a record as a killer, the third in a row.`);
      }
    }
    verdicts.dead = verdicts.dead.slice(-MOST_JUDGED);
    const dead = verdicts.dead.filter(Boolean).length;
    if (letters.size > 0 && verdicts.dead.length >= LEAST_JUDGED && dead / verdicts.dead.length > share) {
      fail(
        "X10",
        `${task.name}@${epoch}: ${dead} of ${verdicts.dead.length} records in a row are dead, and it goes on.`,
      );
    }
  }
}
