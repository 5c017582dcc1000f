import { poisonError } from "../../errors.ts";

/** An object that a message tells of. */
export interface ObjectRef {
  readonly bucket: string;
  readonly key: string;
  /** Of a bucket with versions. */
  readonly versionId?: string | undefined;
  /** Of its content, without quotes. */
  readonly etag?: string | undefined;
}

/** A place in an object: how many lines come before it, and how many bytes of what is stored where that is not compressed. */
export interface LinePlace {
  readonly line: number;
  readonly byte: number;
}

/** An object, and from where on it is to be read. */
export interface ObjectPart extends ObjectRef {
  readonly from: LinePlace;
}

export const BEGINNING: LinePlace = { line: 0, byte: 0 };

/** The message that has an object read on. */
export const continuation = (part: ObjectPart): string => JSON.stringify({ millrace: "continue", object: part });

const CONTINUATION = Buffer.from('{"millrace":"continue",');

/** Whether a payload is such a message, as that of an object's dead letter is. */
export const isContinuation = (bytes: Uint8Array): boolean =>
  CONTINUATION.equals(bytes.subarray(0, CONTINUATION.length));

/**
 * The objects that a message tells of: of S3's own notifications, of EventBridge's, of either by way of SNS, and of this source's own.
 * None for S3's test and for what was no creation.
 *
 * @throws poison error `s3/notification` for what is none of these
 */
export function objectsIn(body: string): readonly ObjectPart[] {
  const message = objectOf(parsed(body));
  if (message === undefined) throw strange("is no object of JSON");
  if (message["Event"] === "s3:TestEvent") return []; // sent once, when notifications are set up
  if (message["Type"] === "Notification" && typeof message["Message"] === "string")
    return objectsIn(message["Message"]);
  if (message["millrace"] === "continue") return [partOf(message["object"])];
  if (message["source"] === "aws.s3") {
    return message["detail-type"] === "Object Created" ? [ofEventBridge(message["detail"])] : [];
  }
  const records = message["Records"];
  if (!Array.isArray(records)) throw strange("is neither a notification of S3's nor one of EventBridge's");
  return records.flatMap((record: unknown) => {
    const { eventSource, eventName, s3 } = objectOf(record) ?? {};
    if (eventSource !== "aws:s3" || typeof eventName !== "string") throw strange("has a record that is not of S3");
    return eventName.startsWith("ObjectCreated:") ? [ofS3(s3)] : [];
  });
}

/** S3's own: the key is written as in a form. */
function ofS3(s3: unknown): ObjectPart {
  const { bucket, object } = objectOf(s3) ?? {};
  const { key, eTag, versionId } = objectOf(object) ?? {};
  return checked({ bucket: objectOf(bucket)?.["name"], key: decodedKey(key), etag: eTag, versionId, from: BEGINNING });
}

function ofEventBridge(detail: unknown): ObjectPart {
  const { bucket, object } = objectOf(detail) ?? {};
  const { key, etag, "version-id": versionId } = objectOf(object) ?? {};
  return checked({ bucket: objectOf(bucket)?.["name"], key, etag, versionId, from: BEGINNING });
}

function partOf(value: unknown): ObjectPart {
  const { bucket, key, etag, versionId, from } = objectOf(value) ?? {};
  const { line, byte } = objectOf(from) ?? {};
  if (!isCount(line) || !isCount(byte)) throw strange("does not say from where on an object is to be read");
  return checked({ bucket, key, etag, versionId, from: { line, byte } });
}

function checked({
  bucket,
  key,
  etag,
  versionId,
  from,
}: Readonly<Record<"bucket" | "key" | "etag" | "versionId", unknown>> & { readonly from: LinePlace }): ObjectPart {
  if (typeof bucket !== "string" || bucket === "") throw strange("names no bucket");
  if (typeof key !== "string" || key === "") throw strange("names no key");
  return {
    bucket,
    key,
    etag: typeof etag === "string" && etag !== "" ? unquoted(etag) : undefined,
    // "null" is what a bucket calls an object from before it had versions.
    versionId: typeof versionId === "string" && versionId !== "" && versionId !== "null" ? versionId : undefined,
    from,
  };
}

/** An ETag without the quotes that some places have. */
export const unquoted = (etag: string): string => etag.replaceAll('"', "");

function decodedKey(key: unknown): unknown {
  if (typeof key !== "string") return undefined;
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    throw strange("has a key that is not written as S3 writes keys");
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw strange("is no JSON");
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const objectOf = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;

const strange = (what: string) =>
  poisonError({ code: "s3/notification", message: `The message ${what}, so that no object is known by it.` });
