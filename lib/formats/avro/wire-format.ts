import { AvroError } from "./input.ts";

/** What a payload in the wire format of Confluent's serializers begins with. */
const MAGIC = 0;
/** What AWS Glue's serializers put there. */
const GLUE_HEADER = 3;
/** The magic byte, and the schema's id: 32 bits, big-endian. */
const HEADER_BYTES = 5;

/** @throws AvroError for what is no payload in this format */
export function schemaIdIn(bytes: Buffer): number {
  if (bytes.length >= HEADER_BYTES && bytes[0] === MAGIC) return bytes.readUInt32BE(1);
  throw new AvroError(
    bytes[0] === GLUE_HEADER
      ? "it has the header of AWS Glue's schema registry, and that of Confluent's is read"
      : "it does not begin with a zero and a schema's id",
  );
}

/** The value's own bytes. */
export const valueIn = (bytes: Buffer): Buffer => bytes.subarray(HEADER_BYTES);
