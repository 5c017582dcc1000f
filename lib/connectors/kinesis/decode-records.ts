import { poisonError } from "../../errors.ts";
import { CompressionError, compressionOf, decompress } from "../../formats/compression.ts";
import { isJsonSequence, SequenceError, splitSequence } from "../../formats/json-sequence.ts";
import { aggregate, deaggregate, type AggregatedRecord } from "../../formats/kpl.ts";
import type {
  DecodedRecord,
  IncomingRecord,
  Pack,
  PackedEvent,
  RecordDecoder,
  RecordFormat,
  Undecoded,
} from "../../runtime/record.ts";
import { partitionKeyOf } from "../../state/key.ts";
import { copyOf, isCopy } from "../replication/copied-tags.ts";
import { producedAt } from "../replication/provenance.ts";
import type { Place, RawRecord } from "../replication/raw-record.ts";
import type { KinesisRecordsDeclaration } from "./declare-records.ts";
import { kinesisDecoder } from "./decode.ts";
import { encodePack, isPackHeader } from "./pack.ts";
import { payloadOf } from "./payload.ts";
import { asPoison, MAX_BYTES, mayBePacked, refuseOtherVersions } from "./unpack.ts";

/** An event of an aggregated record, with what its tags say. */
interface Aggregated extends PackedEvent {
  readonly aggregated: AggregatedRecord;
}

const NO_KEY = { key: {}, keyCode: "" };

/** Records of Kinesis as they are. What holds several, and says of each where it belongs, comes apart. */
export function kinesisRecordsFormat(source: KinesisRecordsDeclaration): RecordFormat {
  const { cluster, stream, packedBy } = source.raw;
  // Of an event in a pack nothing is wanted but its key.
  const keyOf = packedBy && kinesisDecoder({ ...packedBy, eventTime: () => 0, maxFuture: Number.POSITIVE_INFINITY });
  return {
    decode(record): DecodedRecord {
      const { partitionKey, arrival } = record;
      const place = placeOf(record);
      if ("aggregated" in record && isCopy((record as Aggregated).aggregated)) {
        return decoded(copyOf((record as Aggregated).aggregated, { cluster, place, arrival }));
      }
      const keyed = partitionKey === undefined ? keyOf!(record) : undefined;
      const key = Buffer.from(keyed === undefined ? partitionKey! : partitionKeyOf(keyed.key));
      const value = record.bytes ?? payloadOf(record.base64);
      const { partition, sequence, index } = place;
      const origin = producedAt(cluster, [stream, partition, sequence, ...(index > 0 ? [index] : [])]);
      return decoded({ key, value, headers: [], timestamp: arrival, origin, place }, keyed);
    },
    unpack(record) {
      if (!mayBePacked(record.base64)) return undefined;
      try {
        return unpack(record, keyOf);
      } catch (thrown) {
        throw asPoison(thrown);
      }
    },
  };
}

const decoded = (
  value: RawRecord,
  { key, keyCode }: Pick<DecodedRecord, "key" | "keyCode"> = NO_KEY,
): DecodedRecord => ({
  value,
  time: value.timestamp,
  key,
  keyCode,
});

const placeOf = ({ partition = "", position }: Undecoded): Place => ({ partition, ...position });

function unpack(record: IncomingRecord, keyOf: RecordDecoder | undefined): Pack | undefined {
  const payload = payloadOf(record.base64);
  const aggregated = deaggregate(payload);
  if (aggregated !== undefined) {
    const events = aggregated.map((one, index): Aggregated => {
      const { partitionKey, data } = one;
      return Object.assign(
        eventOf(record, index, data, partitionKey, () => aggregate([one])),
        { aggregated: one },
      );
    });
    return { events, isSentAgain: false };
  }
  const texts = packIn(payload);
  if (texts === undefined) return undefined;
  refuseOtherVersions(record, texts[0]!);
  if (keyOf === undefined) {
    throw poisonError({
      code: "replication/pack",
      message:
        "The record is a pack of millrace/producer: its events are of several keys, and which these are it does not say.",
      advice: "Give the source `packedBy`: the source that the producer packs for.",
    });
  }
  const events = texts.slice(1).map((text, index) => eventOf(record, index, text, undefined, () => encodePack([text])));
  return { events, isSentAgain: true };
}

/** The texts of a payload that is a pack; nothing for any other, whatever it is. */
function packIn(payload: Buffer): readonly Buffer[] | undefined {
  try {
    const compression = compressionOf(payload);
    const bytes = compression === undefined ? payload : decompress(payload, compression, MAX_BYTES);
    if (!isJsonSequence(bytes)) return undefined;
    const texts = splitSequence(bytes);
    return isPackHeader(texts[0]!) ? texts : undefined;
  } catch (thrown) {
    const isDamaged = thrown instanceof CompressionError && thrown.code !== "compression/unsupported";
    if (isDamaged || thrown instanceof SequenceError) return undefined; // it is copied as it is
    throw thrown;
  }
}

/** @param alone its payload where it is the only event of a record */
const eventOf = (
  { position, arrival, partitionKey: packedBy, partition }: IncomingRecord,
  index: number,
  bytes: Buffer,
  partitionKey: string | undefined,
  alone: () => Buffer,
): PackedEvent => ({
  // A dead letter's own index counts on: its event has the name that it had beside the others.
  position: { sequence: position.sequence, index: position.index + index },
  arrival,
  bytes,
  partitionKey,
  packedBy,
  partition,
  get base64() {
    return alone().toString("base64");
  },
});
