import { DEAD_LETTERS, type DeadLetter } from "../../../runtime/dead-letter.ts";
import { comparePositions, type Position } from "../../../state/position.ts";
import { BEFORE_ALL_RECORDS } from "../../../state/position.ts";
import type { LedgerCommit, LedgerTask } from "../ledger.ts";
import { letterOf } from "../redrives.ts";
import type { Simulation } from "../simulation.ts";
import type { Shard, StreamRecord } from "../stream.ts";

/** A commit, and the records that it folded. */
export interface FoldedCommit {
  readonly task: LedgerTask;
  readonly commit: LedgerCommit;
  readonly before: LedgerCommit | undefined;
  readonly records: readonly StreamRecord[];
  /** The dead letters that it took back. */
  readonly redriven: readonly DeadLetter[];
}

/** The tasks that ever wrote a commit: those of parents before those of their children. */
export function tasksInOrder({ stream, ledger }: Simulation): readonly LedgerTask[] {
  // A shard is always listed after its parents.
  return stream.shards.flatMap((shard: Shard) => ledger.taskOf(shard.id) ?? []);
}

/** One counter of a commit. */
export const counterOf = (commit: LedgerCommit | undefined, name: string): number =>
  commit?.commit.header.counters.find(([other]) => other === name)?.[1] ?? 0;

/** The dead letters that a commit took back. */
export const lettersTakenBack = ({ ledger }: Simulation, { redriven }: LedgerCommit): readonly DeadLetter[] =>
  redriven.map((id) => letterOf(id, ledger.received.get(DEAD_LETTERS)!.get(id)!));

/** A commit's dead letters. */
export const lettersOf = ({ outputs }: LedgerCommit): readonly DeadLetter[] =>
  outputs.flatMap(({ sink, id, body }) => (sink === DEAD_LETTERS ? [letterOf(id, body)] : []));

/** A commit's dead letters of records, by sequence number. */
export function deadRecords(commit: LedgerCommit): Map<string, DeadLetter> {
  const letters = new Map<string, DeadLetter>();
  for (const letter of lettersOf(commit)) {
    if (letter.kind === "record") letters.set(letter.position!.sequence, letter);
  }
  return letters;
}

/**
 * Which records each commit folded: by its position, and by how many it counts. A record that no commit folded must
 * have been given up by the mapping.
 */
export function foldedCommits(simulation: Simulation): readonly FoldedCommit[] {
  const { fail, stream, settings } = simulation;
  const folded: FoldedCommit[] = [];
  const name = `${settings.source.name} in` as const;
  const done = new Map<Shard, number>();
  for (const task of tasksInOrder(simulation)) {
    const { records } = task.shard;
    let next = 0;
    let before: LedgerCommit | undefined;
    for (const commit of task.commits) {
      const from = next;
      next = endOf(records, next, commit.commit.header.position);
      const redriven = lettersTakenBack(simulation, commit);
      const again = redriven.filter(({ kind }) => kind === "record").length;
      const count = counterOf(commit, name) - counterOf(before, name) - again;
      const { epoch } = commit.stored;
      if (count > next - from) {
        fail("X3", `${task.name}@${epoch} counts ${count} new records where its shard has ${next - from}.`);
      }
      const first = Math.max(from, next - count);
      checkDropped(simulation, records.slice(from, first), `${task.name}@${epoch} passes over`);
      folded.push({ task, commit, before, records: records.slice(first, next), redriven });
      before = commit;
    }
    done.set(task.shard, next);
  }
  for (const shard of stream.shards) {
    checkDropped(simulation, shard.records.slice(done.get(shard) ?? 0), `no commit of ${shard.id} has folded`);
  }
  return folded;
}

function checkDropped({ fail }: Simulation, records: readonly StreamRecord[], what: string): void {
  const lost = records.filter(({ dropped }) => !dropped);
  if (lost.length === 0) return;
  const list = lost.slice(0, 5).map(({ event, incoming }) => `${incoming.position.sequence} (event ${event})`);
  fail("lost", `${what} ${list.join(", ")}${lost.length > 5 ? ` and ${lost.length - 5} more` : ""}.`);
}

function endOf(records: readonly StreamRecord[], from: number, position: Position): number {
  let end = from;
  if (comparePositions(position, BEFORE_ALL_RECORDS) <= 0) return end;
  while (end < records.length && comparePositions(records[end]!.incoming.position, position) <= 0) end++;
  return end;
}
