import { randomBytes } from "node:crypto";
import avro, { type Schema, type Type } from "avsc";

const MAGIC = Buffer.from("Obj\u0001");
const SYNC_BYTES = 16;

const metadataType = avro.Type.forSchema({ type: "map", values: "bytes" });
const longType = avro.Type.forSchema("long");

/** An Avro object container file: its schema, what else is said of it, and records. */
export function writeAvro(
  schema: Schema,
  metadata: Readonly<Record<string, string>>,
  records: readonly unknown[],
): Buffer {
  const type = avro.Type.forSchema(schema);
  const sync = randomBytes(SYNC_BYTES);
  // The schema as it was given: avsc's own leaves out the fields' ids, by which Iceberg knows them.
  const all = { "avro.schema": JSON.stringify(schema), "avro.codec": "null", ...metadata };
  const header = metadataType.toBuffer(
    Object.fromEntries(Object.entries(all).map(([name, text]) => [name, Buffer.from(text)])),
  );
  const data = Buffer.concat(records.map((record) => type.toBuffer(record)));
  const block = [longType.toBuffer(records.length), longType.toBuffer(data.length), data, sync];
  return Buffer.concat([MAGIC, header, sync, ...(records.length === 0 ? [] : block)]);
}

/** The records of a file that {@link writeAvro} has written. */
export function readAvro(file: Buffer): readonly unknown[] {
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) throw new TypeError("It is no Avro file.");
  const [metadata, afterMetadata] = next<Readonly<Record<string, Buffer>>>(metadataType, file, MAGIC.length);
  const type = avro.Type.forSchema(JSON.parse(metadata["avro.schema"]!.toString()) as Schema);
  const records: unknown[] = [];
  let at = afterMetadata + SYNC_BYTES;
  while (at < file.length) {
    const [count, afterCount] = next<number>(longType, file, at);
    [, at] = next<number>(longType, file, afterCount);
    for (let i = 0; i < count; i++) {
      const [record, after] = next<unknown>(type, file, at);
      records.push(record);
      at = after;
    }
    at += SYNC_BYTES;
  }
  return records;
}

function next<Value>(type: Type, file: Buffer, at: number): readonly [Value, number] {
  const { value, offset } = type.decode(file, at) as { readonly value: Value; readonly offset: number };
  if (offset < 0) throw new TypeError("An Avro file ends within a record.");
  return [value, offset];
}
