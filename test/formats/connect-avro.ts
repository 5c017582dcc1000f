import avro from "avsc";

/** A schema of Kafka Connect, as its JSON converter writes it beside a value. */
export interface ConnectSchema {
  readonly type: string;
  readonly optional?: boolean;
  readonly name?: string;
  readonly field?: string;
  readonly fields?: readonly ConnectSchema[];
  readonly items?: ConnectSchema;
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  int8: "int",
  int16: "int",
  int32: "int",
  int64: "long",
  float: "float",
  double: "double",
  boolean: "boolean",
  string: "string",
  bytes: "bytes",
};

/** The Avro schema that Confluent's AvroConverter makes of one of Connect: what is optional is a union with null. */
export function avroSchemaOf(schema: ConnectSchema, named = new Set<string>()): unknown {
  const type = requiredOf(schema, named);
  return schema.optional === true ? ["null", type] : type;
}

function requiredOf(
  { type, name = "io.confluent.connect.avro.ConnectDefault", fields, items }: ConnectSchema,
  named: Set<string>,
): unknown {
  if (type === "array") return { type: "array", items: avroSchemaOf(items!, named) };
  if (type !== "struct") return PRIMITIVES[type];
  if (named.has(name)) return name;
  named.add(name);
  return {
    type: "record",
    name: name.slice(name.lastIndexOf(".") + 1),
    namespace: name.slice(0, name.lastIndexOf(".")),
    fields: fields!.map((field) => ({ name: field.field, type: avroSchemaOf(field, named) })),
    "connect.name": name,
  };
}

/** A payload in the wire format of Confluent's serializers, of a value as JSON has it. Encoded by avsc. */
export function confluentPayload(id: number, schema: unknown, value: unknown): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  const type = avro.Type.forSchema(schema as never, { wrapUnions: false });
  return Buffer.concat([header, type.toBuffer(value)]);
}
