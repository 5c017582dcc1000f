import { kinesisDecoder } from "../../../connectors/kinesis/decode.ts";
import { isPartialEntry, keyByOf, type PartialAggregate } from "../../../operators/pre-aggregate.ts";
import { KILLED, type DeadLetter } from "../../../runtime/dead-letter.ts";
import type { IncomingRecord } from "../../../runtime/record.ts";
import { parsePack, type Pack } from "../../../runtime/shuffle/pack.ts";
import { decodeKey } from "../../../state/key.ts";
import type { Entering } from "../oracle.ts";
import { elementsIn, onlyElementIn } from "../shuffle-stream.ts";
import type { SimulatedStage } from "../stage.ts";
import type { StreamRecord } from "../stream.ts";
import type { KnownProducers } from "./producers.ts";

/** What a stage takes in as a whole: a record of a source, or an element of a pack. */
export interface TakenUnit {
  /** A record's sequence number, an element's output id. */
  readonly name: string;
  /** How many records it stands for. */
  readonly records: number;
  /** Throws for what cannot be processed. */
  readonly open: () => Entering;
  /** The outputs of producers that it is. */
  readonly outputs: readonly string[];
  /** Its dead letter's payload. */
  readonly isPayload: (base64: string) => boolean;
}

type Elements = Extract<Pack, { kind: "elements" }>;

/**
 * What of a commit's records was new, by the rules of the stage's input.
 *
 * @param count how many the commit counts: where the mapping had given some up, the first of the records are these
 * @param known is told of what comes from producers
 * @param isAt whether the commit's event time can be what these producers make of it
 * @returns how many of the records were given up, and what was taken in of the others
 */
export function takenIn(
  stage: SimulatedStage,
  records: readonly StreamRecord[],
  count: number,
  known: KnownProducers,
  dead: ReadonlyMap<string, DeadLetter>,
  isAt: (known: KnownProducers) => boolean,
) {
  // A record that was given up may have been folded nevertheless: its batch failed after the commit.
  const given = records.findIndex(({ dropped }) => !dropped);
  const mayBeDropped = given < 0 ? records.length : given;
  if (stage.source !== undefined) {
    const first = Math.max(0, records.length - count);
    const rest = records.slice(first);
    return {
      first,
      units: new Map(rest.map((record) => [record, unitsOfRecord(stage, record.incoming)])),
      counted: rest.length,
    };
  }
  for (let first = 0; ; first++) {
    const attempt = first === mayBeDropped ? known : known.copy();
    const units = new Map<StreamRecord, readonly TakenUnit[]>();
    let counted = 0;
    for (const record of records.slice(first)) {
      const taken = fresh(stage, record, attempt, dead);
      units.set(record, taken);
      for (const unit of taken) counted += unit.records;
    }
    // News count for nothing: whether they were given up shows in how far event time is.
    if ((counted !== count || !isAt(attempt)) && first < mayBeDropped) continue;
    if (attempt !== known) known.become(attempt);
    return { first, units, counted };
  }
}

function fresh(
  stage: SimulatedStage,
  record: StreamRecord,
  known: KnownProducers,
  dead: ReadonlyMap<string, DeadLetter>,
): readonly TakenUnit[] {
  const { pack, incoming } = record;
  const letter = dead.get(incoming.position.sequence);
  const isSetAside = letter?.reason.code === KILLED && letter.payload === incoming.base64;
  if (pack === undefined) return unitsOfRecord(stage, incoming);
  if (pack.kind === "news") {
    known.hears(pack.producer, pack.epoch, pack.news);
    return isSetAside ? [whole(incoming, [])] : [];
  }
  const ids = elementsIn(pack).filter(({ element }) => known.admits(pack.producer, pack.epoch, element.index));
  if (isSetAside)
    return [
      whole(
        incoming,
        ids.map(({ id }) => id),
      ),
    ];
  return ids.map(({ id, element }) => unitOf(stage, pack, id, element));
}

/** What kills is set aside unseen, and counts as one. */
const whole = ({ position, base64 }: IncomingRecord, outputs: readonly string[]): TakenUnit => ({
  name: position.sequence,
  records: 1,
  open: () => {
    throw new Error("It was set aside unseen.");
  },
  outputs,
  isPayload: (payload) => payload === base64,
});

/** What of a dead letter's record is folded when it is taken back. */
export const unitsOfLetter = (stage: SimulatedStage, { position, arrival, partitionKey, payload }: DeadLetter) =>
  unitsOfRecord(stage, { position: position!, arrival: arrival!, partitionKey: partitionKey!, base64: payload! });

function unitsOfRecord(stage: SimulatedStage, incoming: IncomingRecord): readonly TakenUnit[] {
  const { source } = stage;
  if (source === undefined) {
    try {
      const pack = parsePack(Buffer.from(incoming.base64, "base64").toString());
      if (pack.kind === "news") return [];
      return elementsIn(pack).map(({ id, element }) => unitOf(stage, pack, id, element));
    } catch {
      return [whole(incoming, [])];
    }
  }
  const open = () => ({ entry: source.name, ...decoderOf(stage)(incoming) });
  const { position, base64 } = incoming;
  return [{ name: position.sequence, records: 1, open, outputs: [], isPayload: (payload) => payload === base64 }];
}

function unitOf(
  stage: SimulatedStage,
  { entry }: Elements,
  id: string,
  { time, keyCode, value }: Elements["elements"][number],
): TakenUnit {
  const { input } = stage.plan;
  const keyBys = input.kind === "shuffle" ? input.keyBys : [];
  return {
    name: id,
    records: isPartialEntry(entry) ? (value as PartialAggregate).records : 1,
    open: () => {
      const { keyFields } = keyBys.find(({ name }) => name === keyByOf(entry))!;
      // Operators may change what they are given.
      return { entry, value: structuredClone(value), time, key: decodeKey(keyFields, keyCode), keyCode };
    },
    outputs: [id],
    isPayload: (payload) => onlyElementIn(payload) === id,
  };
}

const decoders = new WeakMap<SimulatedStage, ReturnType<typeof kinesisDecoder>>();

function decoderOf(stage: SimulatedStage) {
  let decoder = decoders.get(stage);
  if (decoder === undefined) decoders.set(stage, (decoder = kinesisDecoder(stage.source!)));
  return decoder;
}
