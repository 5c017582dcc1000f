import { DEAD_LETTERS, KILLED, type DeadLetter } from "../../../runtime/dead-letter.ts";
import { comparePositions, type Position } from "../../../state/position.ts";
import { BEFORE_ALL_RECORDS } from "../../../state/position.ts";
import { BEFORE_ALL_TIME } from "../../../time/instant.ts";
import type { LedgerCommit, LedgerTask } from "../ledger.ts";
import { letterOf } from "../redrives.ts";
import { onlyElementIn } from "../shuffle-stream.ts";
import type { Simulation } from "../simulation.ts";
import type { SimulatedStage } from "../stage.ts";
import type { Shard, StreamRecord } from "../stream.ts";
import { takenIn, unitsOfLetter, type TakenUnit } from "./taken.ts";
import { KnownProducers } from "./producers.ts";

/** A commit, and what it folded. */
export interface FoldedCommit {
  readonly task: LedgerTask;
  readonly commit: LedgerCommit;
  readonly before: LedgerCommit | undefined;
  readonly records: readonly StreamRecord[];
  /** What of each record was new, and became a value or a dead letter. */
  readonly units: ReadonlyMap<StreamRecord, readonly TakenUnit[]>;
  /** The dead letters that it took back. */
  readonly redriven: readonly DeadLetter[];
}

/** The tasks that ever wrote a commit: those of producers before their readers', of parents before their children's. */
export const tasksInOrder = ({ stages }: Simulation): readonly LedgerTask[] => stages.flatMap(tasksOf);

/** The tasks of one stage that ever wrote a commit, those of parents before those of their children. */
export const tasksOf = (stage: SimulatedStage): readonly LedgerTask[] =>
  // A shard is always listed after its parents.
  stage.stream.shards.flatMap((shard: Shard) => stage.taskOf(shard) ?? []);

/** The tasks that a task took over from. */
export const parentsOf = ({ stage, shard }: LedgerTask): readonly LedgerTask[] =>
  shard.parents.flatMap((parent) => stage.taskOf(parent) ?? []);

/** One counter of a commit. */
export const counterOf = (commit: LedgerCommit | undefined, name: string): number =>
  commit?.commit.header.counters.find(([other]) => other === name)?.[1] ?? 0;

/** The dead letters that a commit took back. */
export const lettersTakenBack = ({ ledger }: Simulation, { redriven }: LedgerCommit): readonly DeadLetter[] =>
  redriven.map((id) => letterOf(id, ledger.received.get(DEAD_LETTERS)!.get(id)!));

/** A commit's dead letters. */
export const lettersOf = ({ outputs }: LedgerCommit): readonly DeadLetter[] =>
  outputs.flatMap(({ sink, id, body }) => (sink === DEAD_LETTERS ? [letterOf(id, body)] : []));

/** A commit's dead letters of records and elements, by what they hold: as {@link TakenUnit.name} has it. */
export function deadRecords({ stage }: LedgerTask, commit: LedgerCommit): Map<string, DeadLetter> {
  const letters = new Map<string, DeadLetter>();
  for (const letter of lettersOf(commit)) {
    if (letter.kind === "record") letters.set(nameOfDead(stage, letter), letter);
  }
  return letters;
}

/** What kills is set aside with the whole of its record; else an element goes by the output that it is. */
function nameOfDead({ source }: SimulatedStage, { position, payload, reason }: DeadLetter): string {
  const { sequence } = position!;
  return (source === undefined && reason.code !== KILLED ? onlyElementIn(payload!) : undefined) ?? sequence;
}

/**
 * Which records each commit of a stage folded: by its position, and by how many it counts. A record that no commit
 * folded must have been given up by the mapping.
 */
export function foldedCommits(simulation: Simulation, stage: SimulatedStage): readonly FoldedCommit[] {
  const { fail } = simulation;
  const folded: FoldedCommit[] = [];
  const name = `${stage.plan.input.name} in`;
  const done = new Map<Shard, number>();
  const producers = new Map<Shard, KnownProducers>();
  for (const task of tasksOf(stage)) {
    const { records } = task.shard;
    let next = 0;
    let before: LedgerCommit | undefined;
    const known = KnownProducers.join(task.shard.parents.flatMap((parent) => producers.get(parent) ?? []));
    producers.set(task.shard, known);
    for (const commit of task.commits) {
      const from = next;
      next = endOf(records, next, commit.commit.header.position);
      const redriven = lettersTakenBack(simulation, commit);
      const count = counterOf(commit, name) - counterOf(before, name) - countAgain(stage, commit, redriven);
      const { epoch } = commit.stored;
      const dead = deadRecords(task, commit);
      const { watermark } = commit.commit.header;
      const least = before?.commit.header.watermark ?? BEFORE_ALL_TIME;
      const isAt = (of: KnownProducers) =>
        stage.plan.input.kind === "source" ||
        watermark === Math.max(least, of.time(stage.plan.input.producers).watermark);
      const { first, units, counted } = takenIn(stage, records.slice(from, next), count, known, dead, isAt);
      if (counted !== count) {
        fail("X3", `${task.name}@${epoch} counts ${count} new records where its shard has ${counted}.`);
      }
      checkDropped(simulation, records.slice(from, from + first), `${task.name}@${epoch} passes over`);
      folded.push({ task, commit, before, records: records.slice(from + first, next), units, redriven });
      before = commit;
    }
    done.set(task.shard, next);
  }
  for (const shard of stage.stream.shards) {
    checkDropped(simulation, shard.records.slice(done.get(shard) ?? 0), `no commit of ${shard.place} has folded`);
  }
  return folded;
}

/** How many records a commit counts once more, as it took dead letters back. */
function countAgain(stage: SimulatedStage, commit: LedgerCommit, redriven: readonly DeadLetter[]): number {
  let count = 0;
  for (const letter of redriven) {
    if (letter.kind !== "record") continue;
    const isKilledAgain = lettersOf(commit).some(({ kind, reason }) => kind === "record" && reason.code === KILLED);
    count += isKilledAgain ? 1 : unitsOfLetter(stage, letter).reduce((sum, { records }) => sum + records, 0);
  }
  return count;
}

function checkDropped({ fail }: Simulation, records: readonly StreamRecord[], what: string): void {
  const lost = records.filter(({ dropped }) => !dropped);
  if (lost.length === 0) return;
  const list = lost
    .slice(0, 5)
    .map(({ event, incoming }) => `${incoming.position.sequence}${event === undefined ? "" : ` (event ${event})`}`);
  fail("lost", `${what} ${list.join(", ")}${lost.length > 5 ? ` and ${lost.length - 5} more` : ""}.`);
}

function endOf(records: readonly StreamRecord[], from: number, position: Position): number {
  let end = from;
  if (comparePositions(position, BEFORE_ALL_RECORDS) <= 0) return end;
  while (end < records.length && comparePositions(records[end]!.incoming.position, position) <= 0) end++;
  return end;
}
