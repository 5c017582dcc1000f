import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { infrastructureError, messageOf, MillraceError, poisonError } from "../../errors.ts";
import { linesOf, opened, type Lines } from "./lines.ts";
import { BEGINNING, unquoted, type ObjectPart } from "./notification.ts";

/** An object that is being read. */
export interface ReadObject {
  /** Its content's, which is a part of its records' ids. */
  readonly etag: string;
  readonly lines: AsyncGenerator<Lines>;
}

/** What S3 says of what is not there. */
const GONE: ReadonlySet<string> = new Set(["NoSuchKey", "NoSuchVersion", "NotFound"]);

/**
 * Opens an object, from a place on.
 *
 * @throws poison errors `s3/gone`, `s3/replaced` where the object that was told of is not there any more, `s3/unsupported`;
 *   infrastructure error `s3/read`
 */
export async function readObject(client: S3Client, part: ObjectPart): Promise<ReadObject> {
  const { bucket, key, versionId, etag, from } = part;
  const answer = await client
    .send(
      new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ...(versionId !== undefined && { VersionId: versionId }),
        ...(from.byte > 0 && { Range: `bytes=${from.byte}-` }),
      }),
    )
    .catch((cause: unknown) => {
      // It was read to its very end.
      if (from.byte > 0 && (cause as Error).name === "InvalidRange") return undefined;
      if (GONE.has((cause as Error).name)) throw gone(part, "s3/gone", "was deleted before it was read", cause);
      throw failed(part, cause);
    });
  if (answer === undefined) return { etag: etag ?? "", lines: nothing() };
  const found = unquoted(answer.ETag ?? "");
  const body = answer.Body as AsyncIterable<Uint8Array> & { destroy(): void };
  if (etag !== undefined && found !== etag) {
    body.destroy();
    throw gone(part, "s3/replaced", "was replaced by another before it was read");
  }
  try {
    // What is read from the middle on was not compressed.
    const { bytes, isCompressed } = from.byte > 0 ? { bytes: body, isCompressed: false } : await opened(body);
    return { etag: found, lines: read(part, bytes, isCompressed) };
  } catch (cause) {
    body.destroy();
    throw cause instanceof MillraceError ? cause : failed(part, cause);
  }
}

async function* nothing(): AsyncGenerator<Lines> {}

/** Of what is compressed all is read, and what comes before the place is passed over. */
async function* read(part: ObjectPart, bytes: AsyncIterable<Uint8Array>, isCompressed: boolean): AsyncGenerator<Lines> {
  const { from } = part;
  try {
    for await (const { lines, end } of linesOf(bytes, isCompressed ? BEGINNING : from)) {
      const rest = lines.filter(({ index }) => index >= from.line);
      yield { lines: rest, end: isCompressed ? { line: end.line, byte: 0 } : end };
    }
  } catch (cause) {
    throw cause instanceof MillraceError ? cause : failed(part, cause);
  }
}

const gone = ({ bucket, key }: ObjectPart, code: string, what: string, cause?: unknown) =>
  poisonError({
    code,
    message: `The object ${key} of ${bucket} ${what}.`,
    advice: "Where objects are replaced, give the bucket versions: then each is read as it was.",
    cause,
  });

const failed = ({ bucket, key }: ObjectPart, cause: unknown) =>
  infrastructureError({
    code: "s3/read",
    message: `The object ${key} of ${bucket} could not be read: ${messageOf(cause)}`,
    cause,
  });
