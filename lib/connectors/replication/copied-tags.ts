import { createHash } from "node:crypto";
import type { AggregatedRecord, Tag } from "../../formats/kpl.ts";
import type { Copied } from "./copy-body.ts";
import { CLUSTERS, clustersText, ORIGIN, originIn } from "./provenance.ts";
import type { Place, RawHeader, RawRecord } from "./raw-record.ts";

/**
 * A copy on Kinesis, which has neither headers nor keys of any bytes, is a record of the KPL's aggregated format: its payload is
 * the value as it is, which whatever reads records of the KPL reads; and its tags, which these pass over, hold the rest.
 */
const TIMESTAMP = "millrace-timestamp";
/** The key in base64, where the partition key is not its text; without a value where there is none. */
const KEY = "millrace-key";
/** There is no value: the payload of no bytes stands for none. */
const NO_VALUE = "millrace-no-value";
const HEADER = "header:";

/** What Kinesis takes for a partition key, in characters. */
const MAX_KEY = 256;

/** The partition key of a key: its text, or a hash where Kinesis takes no such text. A record without key is put anywhere. */
export function partitionKeyFor({ key, origin }: Pick<Copied, "key" | "origin">): string {
  if (key === null) return sha256(Buffer.from(origin.id));
  const text = key.toString("utf8");
  const isText = text !== "" && text.length <= MAX_KEY && Buffer.from(text).equals(key);
  return isText ? text : sha256(key);
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** A copy as a record of the KPL's format. */
export function aggregatedCopy(copied: Copied): Omit<AggregatedRecord, "hasExplicitHashKey"> {
  const { key, value, headers, timestamp, origin } = copied;
  const partitionKey = partitionKeyFor(copied);
  const isKeyText = key !== null && Buffer.from(partitionKey).equals(key);
  const tags: Tag[] = [
    [ORIGIN, origin.id],
    [CLUSTERS, clustersText(origin)],
    [TIMESTAMP, String(timestamp)],
  ];
  if (!isKeyText) tags.push([KEY, key?.toString("base64")]);
  if (value === null) tags.push([NO_VALUE, undefined]);
  for (const [name, of] of headers)
    tags.push([HEADER + name, of === null ? undefined : bytesOf(of).toString("base64")]);
  return { partitionKey, data: value ?? Buffer.alloc(0), tags };
}

const bytesOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Whether a record of the KPL's format is a copy. */
export const isCopy = ({ tags }: Pick<AggregatedRecord, "tags">): boolean =>
  tags.some(([key]) => key === ORIGIN || key === CLUSTERS);

/**
 * What {@link aggregatedCopy} was made of.
 *
 * @param cluster where it is read
 * @throws poison errors `replication/provenance`, `replication/around`
 */
export function copyOf(
  { partitionKey, data, tags }: Pick<AggregatedRecord, "partitionKey" | "data" | "tags">,
  { cluster, place, arrival }: { readonly cluster: string; readonly place: Place; readonly arrival: number },
): RawRecord {
  const valueOf = (wanted: string) => tags.find(([key]) => key === wanted)?.[1];
  const has = (wanted: string) => tags.some(([key]) => key === wanted);
  const key = valueOf(KEY);
  const timestamp = Number(valueOf(TIMESTAMP));
  const headers = tags.flatMap(([name, value]): RawHeader[] =>
    name.startsWith(HEADER)
      ? [[name.slice(HEADER.length), value === undefined ? null : Buffer.from(value, "base64")]]
      : [],
  );
  return {
    key: key !== undefined ? Buffer.from(key, "base64") : has(KEY) ? null : Buffer.from(partitionKey),
    value: has(NO_VALUE) ? null : data,
    headers,
    timestamp: has(TIMESTAMP) && Number.isSafeInteger(timestamp) ? timestamp : arrival,
    origin: originIn(valueOf(ORIGIN), valueOf(CLUSTERS), cluster),
    place,
  };
}
