import { historyOf } from "../../../operators/join/row-versions.ts";
import { PRODUCERS } from "../../../state/producers.ts";
import { REDRIVEN } from "../../../state/redriven.ts";
import { DEAD_LETTERS, type DeadLetter } from "../../../runtime/dead-letter.ts";
import { isSpilled } from "../../../state/commit.ts";
import type { Simulation } from "../simulation.ts";
import { tasksInOrder } from "./lineage.ts";

/** X9: a task that event time has passed holds nothing. */
export function checkNothingOpen(simulation: Simulation, after: "silence" | "drain"): void {
  const { ledger, fail, settings } = simulation;
  // Rows that joins read stay until they change. That they were removed is forgotten when event time moves, and nobody moves
  // it for that alone.
  const rows = settings.pipeline.nodes.flatMap(({ kind, name }) =>
    kind !== "join" ? [] : after === "drain" ? [name] : [name, historyOf(name)],
  );
  for (const task of tasksInOrder(simulation)) {
    if (task.shard.closed !== undefined) continue; // what it held, its heirs have
    if (hasDeadTimers(simulation, task.stage.name)) continue; // what they were set for is still there
    const state = ledger.stateOf(task);
    // Notes of redriven letters stay for sixty days, and producers for as long as they write.
    const lasting = [REDRIVEN, PRODUCERS, ...rows];
    const kept = lasting.reduce((n, name) => n + (state.hasTable(name) ? state.table(name).size : 0), 0);
    const size = state.size - kept;
    if (size > 0) fail("X9", `${task.name} still holds ${size} entries, ${REASONS[after]}.`);
  }
}

const REASONS = {
  silence: "although its source was quiet for long enough to close them",
  drain: "although it was drained",
};

const hasDeadTimers = ({ ledger }: Simulation, stage: string): boolean =>
  [...(ledger.received.get(DEAD_LETTERS)?.values() ?? [])].some((body) => {
    if (!body.includes('"kind":"timer"')) return false;
    return (JSON.parse(body) as DeadLetter).stage === stage;
  });

/** X9: what merged ranges had closed is forgotten once a task has come as far: after a drain it has. */
export function checkFloors(simulation: Simulation): void {
  for (const { name, commits } of tasksInOrder(simulation)) {
    const { floors, sealed } = commits.at(-1)!.commit.header;
    if (sealed === undefined && floors.length > 0) {
      simulation.fail("X9", `${name} still holds ${floors.length} floors of merged ranges, although it was drained.`);
    }
  }
}

/** X11: of checkpoints the last two are kept, and all that a reader may need is there. */
export function checkObjects(simulation: Simulation): void {
  const { changelog, objects, fail } = simulation;
  for (const { name, stage, shard } of tasksInOrder(simulation)) {
    const { checkpoint, previousCheckpoint } = changelog.itemOf(name);
    for (const pointer of [checkpoint, previousCheckpoint]) {
      if (pointer !== undefined && !objects.objects.has(pointer.key)) {
        fail("X11", `${name} points to ${pointer.key}, which is not there.`);
      }
    }
    for (const { epoch, body } of changelog.commitsOf(name)) {
      if (isSpilled(body) && !objects.objects.has(body.key)) {
        fail("X11", `The body of ${name}@${epoch} is not there.`);
      }
    }
    const isSwept = stage.stream.isListed(shard);
    const prefix = `checkpoints/${name}/`;
    for (const key of objects.objects.keys()) {
      const epoch = key.startsWith(prefix) ? Number.parseInt(key.slice(prefix.length), 10) : Number.POSITIVE_INFINITY;
      if (isSwept && previousCheckpoint !== undefined && epoch < previousCheckpoint.epoch) {
        fail("X11", `${key} is older than the last two checkpoints of ${name}, and was not deleted.`);
      }
    }
  }
}
