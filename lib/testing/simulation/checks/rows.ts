import { DEAD_LETTERS, KILLED, type DeadLetter } from "../../../runtime/dead-letter.ts";
import { routingKeyOf } from "../../../runtime/redrive.ts";
import { BROKEN_BUILD, throwsIn } from "../broken-build.ts";
import { SKEW } from "../function.ts";
import { Oracle, type Moment } from "../oracle.ts";
import type { LedgerTask } from "../ledger.ts";
import type { Simulation } from "../simulation.ts";
import type { SimulatedStage } from "../stage.ts";
import { brokenUnits, deadUnitsIn, nameIn } from "./units.ts";
import { compareCounters } from "./counters.ts";
import { deadRecords, lettersOf, type FoldedCommit } from "./lineage.ts";
import { checkFloorOf } from "./floors.ts";
import { checkSent } from "./shuffles.ts";
import { unitsOfLetter, type TakenUnit } from "./taken.ts";
import { beginning, floorOf, follow, hearOf, type Watermarks } from "./watermarks.ts";

/** What every commit of a stage folded. */
export type FoldedStage = readonly [stage: SimulatedStage, folded: readonly FoldedCommit[]];

/**
 * Folds once more what every commit folded, stage by stage and key by key, without any of the runtime: rows, what was
 * sent to other stages, dead letters, counters and watermarks must be the same.
 */
export function checkRows(simulation: Simulation, folded: readonly FoldedStage[]): void {
  const oracles = folded.map(([stage, commits]): readonly [SimulatedStage, Oracle] => {
    const oracle = new Oracle(stage.function.stage.program, brokenUnits(simulation, commits));
    const byTask = new Map<LedgerTask, Watermarks>();
    for (const [index, commit] of commits.entries()) {
      const time = byTask.get(commit.task) ?? beginning(commit.task, byTask);
      byTask.set(commit.task, time);
      foldAgain(simulation, oracle, commit, index, time, (key) => floorOf(commit.task, byTask, time, key));
    }
    for (const unit of oracle.finish()) {
      simulation.fail("repeated", `Stage ${stage.name} ran ${unit} more often than it was due.`);
    }
    checkSent(simulation, stage, oracle);
    compareCounters(simulation, stage, oracle, commits);
    return [stage, oracle];
  });
  compareRows(simulation, oracles);
}

function foldAgain(
  simulation: Simulation,
  oracle: Oracle,
  folded: FoldedCommit,
  index: number,
  time: Watermarks,
  floor: (partitionKey: string) => number,
): void {
  const { fail } = simulation;
  const { task, commit, records, units, redriven } = folded;
  const { stage } = task;
  const { header } = commit.commit;
  const what = `${task.name}@${commit.stored.epoch}`;
  const dead = deadRecords(task, commit);
  const start = time.watermark;
  const momentOf = (partitionKey: string): Moment => ({
    index,
    start: Math.max(start, floor(partitionKey)),
    watermark: Math.max(time.watermark, floor(partitionKey)),
    throws: (unit) => throwsIn(simulation.draws, commit.stored.build, unit),
  });
  const foldUnit = (unit: TakenUnit, partitionKey: string, mayBe: (letter: DeadLetter) => boolean): void => {
    const letter = dead.get(unit.name);
    dead.delete(unit.name);
    if (letter !== undefined && mayBe(letter)) return;
    try {
      const entering = unit.open();
      oracle.fold(entering, momentOf(partitionKey));
      if (letter !== undefined) {
        fail("X7", `${what} makes a dead letter of ${unit.name} (${letter.reason.code}), which is in order.`);
      }
      if (stage.source !== undefined) follow(time, entering.time - stage.source.disorder);
    } catch {
      if (letter === undefined) fail("X7", `${what} folds ${unit.name}, which cannot be processed.`);
    }
  };
  for (const record of records) {
    const { partitionKey, arrival } = record.incoming;
    record.watermark = Math.max(time.watermark, floor(partitionKey));
    for (const unit of units.get(record)!) {
      checkFloorOf(simulation, folded, unit, time);
      foldUnit(unit, partitionKey, (letter) => mayBeDead(simulation, folded, arrival, unit, letter));
    }
    hearOf(time, stage, record);
  }
  for (const letter of redriven) {
    if (letter.kind === "record") {
      const record = stage.stream.bySequence.get(letter.position!.sequence)!;
      record.watermark = Math.max(time.watermark, floor(letter.partitionKey!));
      const all = lettersOf(commit).find(({ kind, reason }) => kind === "record" && reason.code === KILLED);
      if (all !== undefined) dead.delete(letter.position!.sequence);
      else {
        for (const unit of unitsOfLetter(stage, letter)) {
          // It need not come late: who takes it back does so by its name.
          foldUnit(unit, letter.partitionKey!, (again) => mayBeDead(simulation, folded, letter.arrival!, unit, again));
        }
      }
    } else if (letter.unit !== undefined) {
      const again = lettersOf(commit).find((other) => nameIn(other) === nameIn(letter));
      oracle.runAgain(letter, momentOf(routingKeyOf(letter)), again?.reason.code);
    }
  }
  for (const name of dead.keys()) fail("X3", `${what} has a dead letter of ${name}, which it did not fold.`);
  if ((records.length > 0 || redriven.length > 0) && header.watermark !== time.watermark) {
    fail("watermark", `${what} has the watermark ${header.watermark} instead of ${time.watermark}.`);
  }
  const isSilent = stage.plan.input.kind === "source" || time.producers.time(stage.plan.input.producers).areIdle;
  if (records.length === 0 && header.watermark > time.watermark && !isSilent) {
    fail("X12", `${what} moves event time without records, and not all of its producers are idle.`);
  }
  // Ticks and drains have checks of their own.
  time.watermark = Math.max(time.watermark, header.watermark);
  time.recordWatermark = Math.max(time.recordWatermark, header.recordWatermark);
}

/** Whether a record or element can have become a dead letter although it is in order. */
function mayBeDead(
  { settings, draws }: Simulation,
  { commit: { stored, at } }: FoldedCommit,
  arrival: number,
  unit: TakenUnit,
  { reason, payload }: DeadLetter,
): boolean {
  if (!unit.isPayload(payload!)) return false;
  switch (reason.code) {
    case KILLED:
      return at - arrival > settings.suspectAfter - SKEW; // and checkKills says whether there was reason to
    case BROKEN_BUILD:
      return throwsIn(draws, stored.build, unit.name);
    default:
      return false;
  }
}

/** Of each sink, whichever stages write to it; of each stage the panes and timers that failed. */
export function compareRows(simulation: Simulation, oracles: readonly (readonly [SimulatedStage, Oracle])[]): void {
  const expected = oracles.map(([, oracle]) => oracle.rows());
  for (const name of new Set(simulation.settings.stages.flatMap(({ sinks }) => sinks.map((sink) => sink.name)))) {
    const rows = new Map<string, number>();
    for (const of of expected) for (const [row, n] of of.get(name) ?? []) rows.set(row, (rows.get(row) ?? 0) + n);
    compare(simulation, `rows of ${name}`, rows, receivedBy(simulation, name));
  }
  for (const [{ name }, { deadUnits }] of oracles) {
    const units = new Map<string, number>();
    for (const unit of deadUnits) units.set(unit, (units.get(unit) ?? 0) + 1);
    compare(simulation, "dead panes and timers", units, deadUnitsIn(simulation, name));
  }
}

/** What a sink's readers have, repeats hidden; what it refused is theirs as dead letters. */
function receivedBy({ ledger }: Simulation, sink: string): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  const add = (body: string) => rows.set(body, (rows.get(body) ?? 0) + 1);
  for (const body of ledger.received.get(sink)?.values() ?? []) add(body);
  for (const [id, body] of ledger.received.get(DEAD_LETTERS) ?? []) {
    if (!id.endsWith("!refused") || ledger.redriven.has(id)) continue; // it was sent again, with another id
    const { output } = JSON.parse(body) as DeadLetter;
    if (output!.sink === sink && ledger.received.get(sink)?.has(output!.id) !== true) add(output!.body);
  }
  return rows;
}

export function compare(
  { fail }: Simulation,
  what: string,
  expected: ReadonlyMap<string, number>,
  found: ReadonlyMap<string, number>,
): void {
  for (const [text, n] of expected) {
    const there = found.get(text) ?? 0;
    if (there < n) fail("lost", `Of the ${what}, ${n - there} of ${n} are missing: ${text}`);
  }
  for (const [text, n] of found) {
    const there = expected.get(text) ?? 0;
    if (n > there) fail(there > 0 ? "repeated" : "wrong", `Of the ${what}, ${n} where ${there} should be: ${text}`);
  }
}
