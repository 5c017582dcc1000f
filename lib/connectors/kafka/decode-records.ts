import { poisonError } from "../../errors.ts";
import type { RecordFormat } from "../../runtime/record.ts";
import { bytesOf } from "../base64.ts";
import { CLUSTERS, ORIGIN, originIn, producedAt } from "../replication/provenance.ts";
import type { RawHeader, RawRecord } from "../replication/raw-record.ts";
import type { KafkaRecordsDeclaration } from "./declare-records.ts";
import { checkTimestamp } from "./event.ts";
import { KAFKA, partitionNumber } from "./names.ts";

/** Records of Kafka as they are. What says where a copy comes from is no header any more. */
export function kafkaRecordsFormat({ topic, raw: { cluster } }: KafkaRecordsDeclaration): RecordFormat {
  return {
    decode(record) {
      const { position, arrival, partitionKey = "", base64, partition = "", attached } = record;
      checkTimestamp(record);
      const { key, isTombstone, headers } = attached ?? { key: null, isTombstone: base64 === "", headers: [] };
      const all = headersIn(headers);
      const valueOf = (wanted: string) => all.find(([name]) => name === wanted)?.[1]?.toString("utf8");
      const isCopy = all.some(([name]) => name === ORIGIN || name === CLUSTERS);
      const value: RawRecord = {
        // A letter of a build that kept no key has its text.
        key: key === null ? (attached === undefined ? Buffer.from(partitionKey) : null) : bytesOf(key, KAFKA),
        value: isTombstone ? null : bytesOf(base64, KAFKA),
        headers: all.filter(([name]) => name !== ORIGIN && name !== CLUSTERS),
        timestamp: arrival,
        origin: isCopy
          ? originIn(valueOf(ORIGIN), valueOf(CLUSTERS), cluster)
          : producedAt(cluster, [topic, partitionNumber(partition), position.sequence]),
        place: { partition, ...position, number: partitionNumber(partition) },
      };
      return { value, time: arrival, key: {}, keyCode: "" };
    },
  };
}

/**
 * Headers as Lambda writes them: each an object of one field, whose value is a list of bytes.
 *
 * @throws poison error `kafka/headers`
 */
function headersIn(headers: unknown): readonly (readonly [string, Buffer | null])[] {
  if (headers === undefined || headers === null) return [];
  if (!Array.isArray(headers)) throw wrong("are no list");
  return headers.flatMap((one: unknown) => {
    if (typeof one !== "object" || one === null) throw wrong("have one that is no object");
    return Object.entries(one).map(([name, bytes]: [string, unknown]) => [name, headerBytes(bytes)] as const);
  }) satisfies readonly RawHeader[];
}

function headerBytes(bytes: unknown): Buffer | null {
  if (bytes === null) return null;
  // Java's bytes have a sign.
  const isByte = (byte: unknown) => Number.isInteger(byte) && (byte as number) >= -128 && (byte as number) <= 255;
  if (Array.isArray(bytes) && bytes.every(isByte)) return Buffer.from(bytes as number[]);
  throw wrong("have one that is no list of bytes");
}

const wrong = (what: string) => poisonError({ code: "kafka/headers", message: `The record's headers ${what}.` });
