import { parseControlMessage, TICKS } from "../../../runtime/tick.ts";
import { comparePositions } from "../../../state/position.ts";
import { BEFORE_ALL_TIME, END_OF_TIME } from "../../../time/instant.ts";
import { SKEW } from "../function.ts";
import type { LedgerCommit, LedgerTask } from "../ledger.ts";
import type { Simulation } from "../simulation.ts";
import { tasksInOrder } from "./lineage.ts";

/** Epochs are contiguous, a child's begin above its parents', and what only rises has only risen. */
export function checkChangelogs(simulation: Simulation): void {
  for (const task of tasksInOrder(simulation)) {
    checkBeginning(simulation, task);
    for (let i = 1; i < task.commits.length; i++) checkStep(simulation, task, task.commits[i - 1]!, task.commits[i]!);
    if (task.shard.children.length === 0 && task.commits.at(-1)!.commit.header.sealed !== undefined) {
      simulation.fail("reshard", `${task.name} was sealed, and its shard is open.`);
    }
  }
}

function checkBeginning({ fail }: Simulation, { name, stage, shard, commits }: LedgerTask): void {
  const first = commits[0]!;
  let above = 0;
  for (const of of shard.parents) {
    const { id } = of;
    const parent = stage.taskOf(of)?.commits.at(-1);
    if (parent?.commit.header.sealed === undefined) {
      fail("reshard", `${name} has commits, and the task of its parent ${id} is not sealed.`);
    } else {
      above = Math.max(above, parent.stored.epoch);
      if (parent.at > first.at) fail("reshard", `${name} began before the task of its parent ${id} was sealed.`);
    }
  }
  if (first.stored.epoch !== above + 1) {
    fail("epochs", `${name} begins with epoch ${first.stored.epoch} instead of ${above + 1}.`);
  }
}

function checkStep({ fail, isDraining }: Simulation, { name }: LedgerTask, a: LedgerCommit, b: LedgerCommit): void {
  const { epoch } = b.stored;
  const [before, after] = [a.commit.header, b.commit.header];
  if (epoch !== a.stored.epoch + 1) fail("epochs", `${name}: ${epoch} follows ${a.stored.epoch}.`);
  if (before.sealed !== undefined) fail("reshard", `${name}@${epoch} was appended after the task was sealed.`);
  if (comparePositions(after.position, before.position) < 0) {
    fail(
      "X3",
      `${name}@${epoch} has position ${after.position.sequence}, below ${before.position.sequence} before it.`,
    );
  }
  for (const field of ["watermark", "recordWatermark", "arrival"] as const) {
    if (after[field] < before[field]) {
      fail("watermark", `${name}@${epoch} lowers its ${field} from ${before[field]} to ${after[field]}.`);
    }
  }
  if (after.watermark === END_OF_TIME && !isDraining) {
    fail("watermark", `${name}@${epoch} ends event time, and nobody drained it.`);
  }
}

/** X12: one that takes over may never get a record, so whoever hands over sends it a first tick. */
export function checkHandover({ fail }: Simulation, task: LedgerTask, { commit, outputs }: LedgerCommit): void {
  if (commit.header.sealed === undefined) return;
  const ticks = outputs.flatMap(({ sink, body }) => (sink === TICKS ? [parseControlMessage(body)?.task] : []));
  for (const child of task.shard.children) {
    if (!ticks.includes(task.stage.nameOf(child)))
      fail("X12", `${task.name} is sealed and sends no tick to ${child.id}.`);
  }
}

/**
 * X12: without records, event time moves only after the source's time-out, at the wall clock's rate from the last
 * arrival, and only when nothing waits to be read.
 */
export function checkIdleness(simulation: Simulation, task: LedgerTask, commit: LedgerCommit): void {
  const { fail } = simulation;
  const { idle } = task.stage;
  const { watermark, recordWatermark, arrival } = commit.commit.header;
  const what = `${task.name}@${commit.stored.epoch} moves event time without records`;
  const silence = commit.at - arrival + SKEW;
  if (recordWatermark === BEFORE_ALL_TIME) return fail("X12", `${what}, and no record ever came.`);
  if (silence < idle) return fail("X12", `${what} after ${silence} ms of silence; ${idle} ms are its time-out.`);
  if (watermark > recordWatermark + silence) {
    fail("X12", `${what} to ${watermark}: faster than the wall clock, which allows ${recordWatermark + silence}.`);
  }
  checkTip(simulation, task, commit, what);
}

/** X12: a drain ends event time only when nothing waits to be read. */
export function checkDrain(simulation: Simulation, task: LedgerTask, commit: LedgerCommit): void {
  checkTip(simulation, task, commit, `${task.name}@${commit.stored.epoch} ends event time`);
}

function checkTip(simulation: Simulation, { shard }: LedgerTask, { stored, commit }: LedgerCommit, what: string): void {
  const { fail, settings } = simulation;
  const { position } = commit.header;
  const asked = simulation.tipAskedAt(stored.nonce, shard.id);
  if (asked === undefined) return fail("X12", `${what}, and nobody asked whether records wait.`);
  const waiting = shard.records.find(
    ({ incoming }) =>
      comparePositions(incoming.position, position) > 0 &&
      incoming.arrival < asked &&
      incoming.arrival + settings.retention > asked,
  );
  if (waiting === undefined) return;
  fail("X12", `${what}, while record ${waiting.incoming.position.sequence} waited to be read.`);
}
