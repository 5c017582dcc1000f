import { KILLED } from "../../../runtime/dead-letter.ts";
import { keyByOf } from "../../../operators/pre-aggregate.ts";
import { decodeKey } from "../../../state/key.ts";
import type { Node, NodeOf } from "../../../pipeline/topology.ts";
import { BEFORE_ALL_TIME } from "../../../time/instant.ts";
import { BROKEN_BUILD } from "../broken-build.ts";
import { Oracle, type Entering, type Moment } from "../oracle.ts";
import type { Simulation } from "../simulation.ts";
import type { SimulatedStage } from "../stage.ts";
import type { StreamRecord } from "../stream.ts";
import { deadRecords, lettersOf, tasksInOrder, type FoldedCommit } from "./lineage.ts";
import { compareRows, type FoldedStage } from "./rows.ts";
import { parseElement } from "./shuffles.ts";
import { brokenUnits } from "./units.ts";

/**
 * If nothing was late, batches and watermarks made no difference: the rows are those of one batch of everything, through
 * all stages. Behind a shuffle there is no order: what depends on it is not compared.
 */
export function checkBatch(simulation: Simulation, folded: readonly FoldedStage[]): void {
  const late = tasksInOrder(simulation).some(({ commits }) =>
    commits.at(-1)!.commit.header.counters.some(([name, n]) => name.endsWith(" late") && n > 0),
  );
  // Nor did what was folded later than its neighbours, as its dead letter was taken back.
  if (late || simulation.ledger.redriven.size > 0 || folded.some((stage) => mayBePartlyLate(simulation, stage))) return;
  if (folded.some(([stage, commits]) => isScheduled(simulation, stage, commits))) return;
  const sent = new Map<string, Entering[]>();
  const oracles = folded.map(([stage, commits]): readonly [SimulatedStage, Oracle] => {
    const oracle = new Oracle(stage.function.stage.program, brokenUnits(simulation, commits));
    const all = stage.source === undefined ? (sent.get(stage.name) ?? []) : recordsOf(commits);
    for (const entering of all) foldOne(oracle, stage, entering);
    oracle.finish();
    for (const { stage: reader } of stage.plan.shuffles) {
      const elements = [...(oracle.rows().get(reader) ?? [])].flatMap(([body, n]) =>
        Array.from({ length: n }, () => enteringOf(simulation.stageNamed(reader), body)),
      );
      sent.set(reader, [...(sent.get(reader) ?? []), ...elements]);
    }
    return [stage, oracle];
  });
  compareRows(simulation, oracles);
}

/** No watermark moves within it, and no build throws. */
const ONE_BATCH: Moment = { index: 0, start: BEFORE_ALL_TIME, watermark: BEFORE_ALL_TIME, throws: () => false };

/** What a stage makes a dead letter of, it makes one of here too. */
function foldOne(oracle: Oracle, { source }: SimulatedStage, entering: Entering): void {
  try {
    oracle.fold(entering, ONE_BATCH);
  } catch (thrown) {
    if (source !== undefined) throw thrown; // those were left out
  }
}

/** What a stage's records are, in the order of the stream, whatever shard they were on. */
function recordsOf(folded: readonly FoldedCommit[]): readonly Entering[] {
  const order = (a: StreamRecord, b: StreamRecord) =>
    Number(a.incoming.position.sequence) - Number(b.incoming.position.sequence);
  const records = folded.flatMap(({ task, commit, records, units }) => {
    const dead = deadRecords(task, commit);
    return records
      .filter(({ incoming }) => !dead.has(incoming.position.sequence))
      .map((record) => [record, units.get(record)!] as const);
  });
  return records.toSorted(([a], [b]) => order(a, b)).flatMap(([, units]) => units.map(({ open }) => open()));
}

function enteringOf({ plan }: SimulatedStage, body: string): Entering {
  const { entry, time, keyCode, value } = parseElement(body);
  const { keyFields } =
    plan.input.kind === "shuffle" ? plan.input.keyBys.find(({ name }) => name === keyByOf(entry))! : { keyFields: [] };
  return { entry, value, time, keyCode, key: decodeKey(keyFields, keyCode) };
}

/** What these make of values depends on their order. */
const ORDERED = new Set<Node["kind"]>(["process", "deduplicate"]);

/** Whether a stage's rows depend on the schedule although nothing was late. */
function isScheduled(simulation: Simulation, stage: SimulatedStage, folded: readonly FoldedCommit[]): boolean {
  const { nodes } = simulation.settings.pipeline;
  if (stage.source !== undefined) return false;
  const isOrdered = stage.plan.nodes.some((i) => {
    const node = nodes[i]!;
    if (node.kind === "window") return node.trigger !== undefined || node.assigner.kind === "count";
    return ORDERED.has(node.kind);
  });
  const isHarmed = folded.some(({ commit }) =>
    lettersOf(commit).some(
      ({ kind, reason }) => kind === "record" && (reason.code === KILLED || reason.code === BROKEN_BUILD),
    ),
  );
  return isOrdered || isHarmed || stage.stream.shards.some(({ records }) => records.some(({ dropped }) => dropped));
}

/**
 * Whether a record came behind the watermark where windows overlap or grow: it is in those that are open, and not late,
 * and in one batch it would be in all.
 */
function mayBePartlyLate({ settings }: Simulation, [stage, folded]: FoldedStage): boolean {
  const isOneAtMost = ({ assigner }: NodeOf<"window">) =>
    assigner.kind === "time"
      ? assigner.assign(0, undefined as never).length < 2
      : assigner.kind !== "session" && assigner.kind !== "sliding";
  const windows = stage.plan.nodes.flatMap((i) => {
    const node = settings.pipeline.nodes[i]!;
    return node.kind === "window" ? [node] : [];
  });
  if (windows.every(isOneAtMost)) return false;
  return folded.some(({ task, commit, records, units }) => {
    const dead = deadRecords(task, commit);
    return records.some((record) => {
      const { watermark } = record;
      if (watermark === undefined) return false;
      return units.get(record)!.some(({ name, open }) => !dead.has(name) && open().time < watermark);
    });
  });
}
