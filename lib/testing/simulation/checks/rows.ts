import { DEAD_LETTERS, KILLED, type DeadLetter } from "../../../runtime/dead-letter.ts";
import { routingKeyOf } from "../../../runtime/redrive.ts";
import { hashOf, isWithin } from "../../../state/hash-range.ts";
import { nodesOf, type NodeOf } from "../../../pipeline/topology.ts";
import { BEFORE_ALL_TIME } from "../../../time/instant.ts";
import { BROKEN_BUILD, throwsIn } from "../broken-build.ts";
import { SKEW } from "../function.ts";
import { Oracle } from "../oracle.ts";
import type { LedgerCommit, LedgerTask } from "../ledger.ts";
import type { Simulation } from "../simulation.ts";
import type { StreamRecord } from "../stream.ts";
import { brokenUnits, deadUnitsIn, nameIn } from "./units.ts";
import { counterOf, deadRecords, lettersOf, tasksInOrder, type FoldedCommit } from "./lineage.ts";

/** What a task's watermark must be. */
interface Watermarks {
  watermark: number;
  recordWatermark: number;
  /** By partition key: how far the shards had come that it was on before. */
  readonly floors: Map<string, number>;
}

/**
 * Folds once more what every commit folded, key by key and without any of the runtime: rows, dead letters, counters
 * and watermarks must be the same.
 */
export function checkRows(simulation: Simulation, folded: readonly FoldedCommit[]): void {
  const oracle = new Oracle(simulation.function.stage.program, brokenUnits(simulation, folded));
  const byTask = new Map<LedgerTask, Watermarks>();
  for (const commit of folded) {
    const time = byTask.get(commit.task) ?? beginning(simulation, commit.task, byTask);
    byTask.set(commit.task, time);
    const floor = (key: string) => floorOf(simulation, commit.task, byTask, time, key);
    foldAgain(simulation, oracle, commit, time, floor);
  }
  oracle.finish();
  compareRows(simulation, oracle);
  compareCounters(simulation, oracle, folded);
}

/** If nothing was late, batches and watermarks made no difference: the rows are those of one batch of everything. */
export function checkBatch(simulation: Simulation, folded: readonly FoldedCommit[]): void {
  const late = tasksInOrder(simulation).some(({ commits }) =>
    commits.at(-1)!.commit.header.counters.some(([name, n]) => name.endsWith(" late") && n > 0),
  );
  // Nor did what was folded later than its neighbours, as its dead letter was taken back.
  if (late || simulation.ledger.redriven.size > 0 || mayBePartlyLate(simulation, folded)) return;
  const oracle = new Oracle(simulation.function.stage.program, brokenUnits(simulation, folded));
  const records = folded.flatMap((commit) => {
    const dead = deadRecords(commit.commit);
    return commit.records.filter(({ incoming }) => !dead.has(incoming.position.sequence));
  });
  // In the order of the stream, whatever shard they were on.
  const order = (a: StreamRecord, b: StreamRecord) =>
    Number(a.incoming.position.sequence) - Number(b.incoming.position.sequence);
  for (const { incoming } of records.toSorted(order)) {
    oracle.fold(simulation.function.decode(incoming), BEFORE_ALL_TIME);
  }
  oracle.finish();
  compareRows(simulation, oracle);
}

/**
 * Whether a record came behind the watermark where windows overlap or grow: it is in those that are open, and not late,
 * and in one batch it would be in all.
 */
function mayBePartlyLate(simulation: Simulation, folded: readonly FoldedCommit[]): boolean {
  const { decode } = simulation.function;
  const isOneAtMost = ({ assigner }: NodeOf<"window">) =>
    assigner.kind === "time"
      ? assigner.assign(0, undefined as never).length < 2
      : assigner.kind !== "session" && assigner.kind !== "sliding";
  if (nodesOf(simulation.settings.pipeline, "window").every(isOneAtMost)) return false;
  return folded.some(({ commit, records }) => {
    const dead = deadRecords(commit);
    const alive = records.filter(({ incoming }) => !dead.has(incoming.position.sequence));
    return alive.some(({ incoming, watermark }) => watermark !== undefined && decode(incoming).time < watermark);
  });
}

function beginning(
  simulation: Simulation,
  { shard }: LedgerTask,
  byTask: ReadonlyMap<LedgerTask, Watermarks>,
): Watermarks {
  const tasks = shard.parents.flatMap(({ id }) => simulation.ledger.taskOf(id) ?? []);
  const arrivalOf = ({ commits }: LedgerTask) => commits.at(-1)!.commit.header.arrival;
  const parents = tasks.flatMap((task) => {
    const time = byTask.get(task);
    return time === undefined || time.watermark === BEFORE_ALL_TIME ? [] : [{ ...time, arrival: arrivalOf(task) }];
  });
  const floors = new Map<string, number>();
  if (parents.length === 0) return { watermark: BEFORE_ALL_TIME, recordWatermark: BEFORE_ALL_TIME, floors };
  // The slowest parent's; what another had closed stays closed for its keys (floorOf).
  const watermark = Math.min(...parents.map((time) => time.watermark));
  // A parent that was silent for longer than another has moved on by as much (X12).
  const last = Math.max(...tasks.map(arrivalOf));
  const moved = parents.map(({ recordWatermark, arrival }) => {
    const silence = last - arrival;
    const isKnown = recordWatermark !== BEFORE_ALL_TIME;
    return isKnown && silence >= simulation.settings.source.idle ? recordWatermark + silence : recordWatermark;
  });
  const known = moved.filter((time) => time !== BEFORE_ALL_TIME);
  return { watermark, recordWatermark: known.length === 0 ? BEFORE_ALL_TIME : Math.min(...known), floors };
}

/** How far event time had come for a key, in the shards that it was on before. */
function floorOf(
  simulation: Simulation,
  { shard }: LedgerTask,
  byTask: ReadonlyMap<LedgerTask, Watermarks>,
  { floors }: Watermarks,
  partitionKey: string,
): number {
  let floor = floors.get(partitionKey);
  if (floor !== undefined) return floor;
  floor = BEFORE_ALL_TIME;
  const hash = hashOf(partitionKey);
  for (const parent of shard.parents) {
    const task = simulation.ledger.taskOf(parent.id);
    const time = task === undefined ? undefined : byTask.get(task);
    if (time === undefined || !isWithin(parent.range, hash)) continue;
    floor = Math.max(floor, time.watermark, floorOf(simulation, task!, byTask, time, partitionKey));
  }
  floors.set(partitionKey, floor);
  return floor;
}

function foldAgain(
  simulation: Simulation,
  oracle: Oracle,
  { task, commit, records, redriven }: FoldedCommit,
  time: Watermarks,
  floor: (partitionKey: string) => number,
): void {
  const { fail, settings, stream } = simulation;
  const { decode } = simulation.function;
  const { header } = commit.commit;
  const what = `${task.name}@${commit.stored.epoch}`;
  const dead = deadRecords(commit);
  const foldRecord = (record: StreamRecord, mayBeDead: (letter: DeadLetter) => boolean): void => {
    const { sequence } = record.incoming.position;
    const letter = dead.get(sequence);
    dead.delete(sequence);
    if (letter !== undefined && mayBeDead(letter)) return;
    try {
      const decoded = decode(record.incoming);
      record.watermark = Math.max(time.watermark, floor(record.incoming.partitionKey));
      oracle.fold(decoded, record.watermark);
      if (letter !== undefined) {
        fail("X7", `${what} makes a dead letter of ${sequence} (${letter.reason.code}), which is in order.`);
      }
      const watermark = decoded.time - settings.source.disorder;
      if (watermark > time.recordWatermark) {
        time.recordWatermark = watermark;
        time.watermark = Math.max(time.watermark, watermark);
      }
    } catch {
      if (letter === undefined) fail("X7", `${what} folds ${sequence}, which cannot be processed.`);
    }
  };
  for (const record of records) foldRecord(record, (letter) => mayBeDead(simulation, commit, record, letter));
  for (const letter of redriven) {
    if (letter.kind === "record") {
      const record = stream.bySequence.get(letter.position!.sequence)!;
      // It need not come late: who takes it back does so by its name.
      foldRecord(record, (again) => isKilled(again) || mayBeDead(simulation, commit, record, again));
    } else if (letter.unit !== undefined) {
      const watermark = Math.max(time.watermark, floor(routingKeyOf(letter)));
      const again = lettersOf(commit).find((other) => nameIn(other) === nameIn(letter));
      oracle.runAgain(letter, watermark, again?.reason.code);
    }
  }
  for (const sequence of dead.keys()) fail("X3", `${what} has a dead letter of ${sequence}, which it did not fold.`);
  if ((records.length > 0 || redriven.length > 0) && header.watermark !== time.watermark) {
    fail("watermark", `${what} has the watermark ${header.watermark} instead of ${time.watermark}.`);
  }
  // Ticks and drains have checks of their own.
  time.watermark = Math.max(time.watermark, header.watermark);
  time.recordWatermark = Math.max(time.recordWatermark, header.recordWatermark);
}

const isKilled = ({ reason }: DeadLetter): boolean => reason.code === KILLED;

/** Whether a record can have become a dead letter although it is in order. */
function mayBeDead(
  { settings, draws }: Simulation,
  { stored, at }: LedgerCommit,
  { incoming }: StreamRecord,
  { reason, payload }: DeadLetter,
): boolean {
  const { sequence } = incoming.position;
  if (payload !== incoming.base64) return false;
  switch (reason.code) {
    case KILLED:
      return at - incoming.arrival > settings.suspectAfter - SKEW; // and checkKills says whether there was reason to
    case BROKEN_BUILD:
      return throwsIn(draws, stored.build, sequence);
    default:
      return false;
  }
}

function compareRows(simulation: Simulation, oracle: Oracle): void {
  const expected = oracle.rows();
  for (const { name } of simulation.settings.stage.sinks) {
    compare(simulation, `rows of ${name}`, expected.get(name) ?? new Map(), receivedBy(simulation, name));
  }
  const units = new Map<string, number>();
  for (const unit of oracle.deadUnits) units.set(unit, (units.get(unit) ?? 0) + 1);
  compare(simulation, "dead panes and timers", units, deadUnitsIn(simulation));
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

function compare(
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

/** Counters are committed with the state, so they are exact. */
function compareCounters(simulation: Simulation, oracle: Oracle, folded: readonly FoldedCommit[]): void {
  const { fail, settings } = simulation;
  const expected = oracle.counters();
  const source = settings.source.name;
  const records = folded.flatMap(({ records: own, redriven }) => [
    ...own,
    ...redriven.filter(({ kind }) => kind === "record"),
  ]);
  const dead = folded.reduce((sum, { commit }) => sum + deadRecords(commit).size, 0);
  expected.set(`${source} in`, records.length);
  expected.set(`${source} dead`, dead);
  const found = new Map<string, number>();
  for (const { commits } of tasksInOrder(simulation)) {
    const last = commits.at(-1)!;
    for (const [name] of last.commit.header.counters) found.set(name, (found.get(name) ?? 0) + counterOf(last, name));
  }
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const [all, counted] = [expected.get(name) ?? 0, found.get(name) ?? 0];
    if (all !== counted) fail("counters", `All tasks together count ${counted} for "${name}"; there were ${all}.`);
  }
}
