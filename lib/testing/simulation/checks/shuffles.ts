import { isPartialEntry, partialIn, type PartialAggregate } from "../../../operators/pre-aggregate.ts";
import { elementText } from "../../../operators/element.ts";
import { isNews } from "../../../runtime/shuffle/pack.ts";
import { keyGroupOf } from "../../../state/key-group.ts";
import { PRODUCERS } from "../../../state/producers.ts";
import { encodeValue, decodeValue } from "../../../state/value-text.ts";
import { END_OF_TIME } from "../../../time/instant.ts";
import type { LedgerOutput } from "../ledger.ts";
import type { Oracle } from "../oracle.ts";
import { elementsIn } from "../shuffle-stream.ts";
import type { Simulation } from "../simulation.ts";
import type { SimulatedStage } from "../stage.ts";
import { tasksInOrder, tasksOf, type FoldedCommit } from "./lineage.ts";
import { compare } from "./rows.ts";

/** An element as a commit has it: `17 by-carrier [1000,"sAA",{"delay":3}]`. */
export interface SentElement {
  readonly entry: string;
  readonly time: number;
  readonly keyCode: string;
  readonly value: unknown;
}

export function parseElement(body: string): SentElement {
  const at = body.indexOf(" [") + 1;
  const [, entry] = body.slice(0, at - 1).split(" ") as [string, string];
  const [time, keyCode, value] = decodeValue(body.slice(at)) as [number, string, unknown];
  return { entry, time, keyCode, value };
}

/** The elements that a stage's commits have for another. */
export const sentTo = (stage: SimulatedStage, reader: string): readonly LedgerOutput[] =>
  tasksOf(stage).flatMap(({ commits }) =>
    commits.flatMap(({ outputs }) => outputs.filter(({ sink, body }) => sink === reader && !isNews(body))),
  );

/** What a stage has sent is what comes of what it folded. Of what is aggregated before: as many records per key and windows. */
export function checkSent(simulation: Simulation, stage: SimulatedStage, oracle: Oracle): void {
  for (const { stage: reader } of stage.plan.shuffles) {
    const expected = countsOf(oracle.rows().get(reader) ?? new Map<string, number>());
    const found = countsOf(new Map(tally(sentTo(stage, reader).map(({ body }) => body))));
    compare(simulation, `elements from ${stage.name} for ${reader}`, expected, found);
  }
}

function tally(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** How cuts into batches fall shows in partials alone: these are counted by the records that they are made of. */
function countsOf(bodies: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const add = (text: string, n: number) => counts.set(text, (counts.get(text) ?? 0) + n);
  for (const [body, n] of bodies) {
    const { entry, keyCode, value } = parseElement(body);
    if (!isPartialEntry(entry)) {
      add(body, n);
      continue;
    }
    const { windows, records } = value as PartialAggregate;
    // How far a session goes depends on which records were in its batch.
    const of = partialIn(entry)!.isJoined ? "" : windows.map(({ start, end }) => `${start}-${end}`).join();
    add(`${entry} ${keyCode} ${of}`, n * records);
  }
  return counts;
}

/** X8: what a stage was sent it has taken in once, as it was sent, unless its stream forgot it first. */
export function checkTaken(simulation: Simulation, stage: SimulatedStage, folded: readonly FoldedCommit[]): void {
  const { fail, ledger, stages } = simulation;
  const taken = new Map<string, string>();
  for (const { task, commit, units } of folded) {
    for (const id of [...units.values()].flat().flatMap(({ outputs }) => outputs)) {
      const by = `${task.name}@${commit.stored.epoch}`;
      if (taken.has(id)) fail("X8", `${id} was taken in by ${taken.get(id)} and by ${by}.`);
      taken.set(id, by);
    }
  }
  const forgotten = new Set<string>();
  for (const { pack, dropped } of stage.stream.shards.flatMap(({ records }) => records)) {
    if (pack?.kind !== "elements") continue;
    for (const { id, element } of elementsIn(pack)) {
      if (dropped) forgotten.add(id);
      const { time, keyCode, value } = element;
      const body = elementText(keyGroupOf(keyCode), pack.entry, time, keyCode, encodeValue(value, id));
      const { body: sent } = ledger.outputOf(id)!;
      if (sent !== body) fail("X4", `${id} came to ${stage.name} as ${body}; its commit has ${sent}`);
    }
  }
  for (const { id } of stages.flatMap((producer) => sentTo(producer, stage.name))) {
    if (!taken.has(id) && !forgotten.has(id))
      fail("lost", `${id} was sent to ${stage.name}, which has not taken it in.`);
  }
}

/** After a drain every reader knows of each task that wrote to it that it has come to its end, or who took over. */
export function checkProducers(simulation: Simulation): void {
  const { ledger, fail } = simulation;
  for (const reader of tasksInOrder(simulation)) {
    const { input } = reader.stage.plan;
    if (input.kind === "source" || reader.shard.closed !== undefined) continue;
    const state = ledger.stateOf(reader);
    for (const producer of input.producers.flatMap((name) => tasksOf(simulation.stageNamed(name)))) {
      const known = state.table(PRODUCERS).get(0, producer.name) as readonly unknown[] | undefined;
      const isReplaced = producer.shard.closed !== undefined;
      if (known === undefined) fail("producers", `${reader.name} does not know of ${producer.name}.`);
      else if (isReplaced ? known[3] !== 3 : known[2] !== END_OF_TIME) {
        fail(
          "producers",
          `${reader.name} takes ${producer.name} to be at ${String(known[2])}, state ${String(known[3])}.`,
        );
      }
    }
  }
}
