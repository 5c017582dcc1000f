import { readFileSync } from "node:fs";
import { bigint, debezium, decimalText, isChange, kafka, lake, nullable, pipeline, text } from "millrace";
import { testDriver } from "millrace/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { kafkaFormat } from "../../../lib/connectors/kafka/decode.ts";
import { schemaRegistry } from "../../../lib/connectors/schema-registry/registry.ts";
import type { Services } from "../../../lib/connectors/services.ts";
import type { SourceDeclaration } from "../../../lib/pipeline/source.ts";
import { redriveBody } from "../../../lib/runtime/redrive.ts";
import type { IncomingRecord } from "../../../lib/runtime/record.ts";
import { parseControlMessage } from "../../../lib/runtime/tick.ts";
import { recorded } from "../../formats/change-events.ts";
import { avroSchemaOf, confluentPayload, type ConnectSchema } from "../../formats/connect-avro.ts";
import { Rig } from "../../support/rig.ts";
import { RegistryServer } from "../registry-server.ts";

const noWait: Services = {
  aws: {
    of: () => {
      throw new Error("nothing of AWS is asked");
    },
  },
  now: () => 0,
  wait: () => Promise.resolve(),
};

let server: RegistryServer;
beforeAll(async () => {
  server = await RegistryServer.start();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.answer = undefined;
});

const registry = () => schemaRegistry({ registryUrl: server.url }, noWait);
const recordOf = (payload: Uint8Array, n = 1): IncomingRecord => ({
  position: { sequence: String(n), index: 0 },
  arrival: Number.MAX_SAFE_INTEGER,
  partitionKey: "",
  base64: Buffer.from(payload).toString("base64"),
});

async function valuesOf(source: SourceDeclaration, payloads: readonly Uint8Array[]): Promise<readonly unknown[]> {
  const { decode, prepare } = kafkaFormat(source, registry());
  const records = payloads.map(recordOf);
  await prepare!(records);
  return records.map((record) => decode(record).value);
}

const timed = { eventTime: (event: { readonly at: number }) => event.at, disorder: { seconds: 10 } } as const;

describe("Debezium's events in Avro", () => {
  const product = z.object({
    id: z.number(),
    name: z.string(),
    description: z.string().nullable(),
    weight: z.number().nullable(),
  });
  const key = product.pick({ id: true });
  const products = kafka("products", {
    schema: debezium({ row: product, key, before: "row" }),
    format: "avro",
    ...timed,
  });

  test("recorded with their schemas, are the changes that they are in JSON", async () => {
    const events = recorded("debezium-mysql") as readonly {
      readonly schema: ConnectSchema;
      readonly payload: unknown;
    }[];
    const payloads = events.map(({ schema, payload }, i) => {
      const avro = avroSchemaOf(schema);
      server.register(100 + i, avro);
      return confluentPayload(100 + i, avro, payload);
    });
    const inJson = kafkaFormat(kafka("products", { schema: products.schema as never, ...timed } as never));
    const expected = events.map((event) => inJson.decode(recordOf(Buffer.from(JSON.stringify(event)))).value);
    expect(await valuesOf(products, payloads)).toEqual(expected);
    expect(expected.map((change) => (change as { op: string }).op)).toEqual(["insert", "insert", "update", "delete"]);
  });

  test("of a schema that a connector registered, with names that are used again and unions of either order", async () => {
    const schema: unknown = JSON.parse(
      readFileSync(new URL("../../formats/changes/debezium-mysql-envelope.avsc", import.meta.url), "utf8"),
    );
    server.register(81, schema);
    const row = { id: 1, name: "lisi", description: "test debezium avro data", weight: 21.799999237060547 };
    const envelope = {
      before: row,
      after: { ...row, name: "zhangsan" },
      source: {
        ...{ version: "1.2.2.Final", connector: "mysql", name: "fullfillment", ts_ms: 1_599_207_472_000 },
        ...{ snapshot: "false", db: "test1", table: "person", server_id: 1, gtid: null, file: "mysql-bin.000005" },
        ...{ pos: 213_795, row: 0, thread: 2, query: null },
      },
      op: "u",
      ts_ms: 1_599_207_472_705,
      transaction: null,
    };
    expect(await valuesOf(products, [confluentPayload(81, schema, envelope)])).toEqual([
      expect.objectContaining({
        op: "update",
        before: row,
        after: envelope.after,
        at: 1_599_207_472_000,
        key: { id: 1 },
      }),
    ]);
  });

  test("have decimals and bytes as JSON has them", async () => {
    const schema = {
      type: "record",
      name: "Price",
      fields: [{ name: "price", type: { type: "bytes", logicalType: "decimal", precision: 10, scale: 2 } }],
    };
    server.register(5, schema);
    const prices = kafka("prices", {
      schema: z.object({ price: z.string().transform(decimalText(2)) }),
      format: "avro",
      eventTime: () => 0,
      disorder: { seconds: 1 },
    });
    const price = Buffer.from([0x04, 0xd2]); // 1234
    expect(await valuesOf(prices, [confluentPayload(5, schema, { price })])).toEqual([{ price: "12.34" }]);
  });
});

describe("in a task", () => {
  const customer = z.object({ id: z.number(), name: z.string() });
  const source = kafka("customers", {
    schema: debezium({ row: customer, key: customer.pick({ id: true }) }),
    format: "avro",
    ...timed,
  });
  const rows = lake("rows", { id: bigint, name: nullable(text) });
  const copied = pipeline(
    "copied",
    (flow) => {
      flow
        .from(source)
        .filter("changes", isChange)
        .map("row", ({ key, after }) => ({ id: key.id, name: after?.name }))
        .to(rows);
    },
    { poison: { share: 1 } },
  );
  const value = {
    type: "record",
    name: "Value",
    fields: [
      { name: "id", type: "int" },
      { name: "name", type: "string" },
    ],
  };
  const schema = {
    type: "record",
    name: "Envelope",
    fields: [
      { name: "after", type: ["null", value] },
      { name: "op", type: "string" },
      { name: "ts_ms", type: "long" },
    ],
  };
  const created = (id: number, name: string, schemaId = 7) =>
    confluentPayload(schemaId, schema, { after: { id, name }, op: "c", ts_ms: 1_000 });

  test("what is no Avro, and what is of a schema that is not there, is a dead letter; the others are rows, and a tombstone is a notice", async () => {
    server.register(7, schema);
    const rig = new Rig(copied);
    const format = kafkaFormat(source, registry());
    const payloads = [created(1, "Ann"), Buffer.from("{}"), created(2, "Bob", 8), created(3, "Cleo"), Buffer.alloc(0)];
    await rig.task({ format }).turn({ kind: "records", records: payloads.map((one, i) => recordOf(one, i + 1)) });
    expect(rig.rows("rows")).toEqual([
      { id: 1, name: "Ann" },
      { id: 3, name: "Cleo" },
    ]);
    const letters = rig.deadLetters();
    expect(letters.map(({ reason }) => reason.code)).toEqual(["avro/value", "avro/no-schema"]);
    // A letter has the payload as it came: redriven, its schema is fetched like any other.
    server.register(8, schema);
    const later = rig.process({ format: kafkaFormat(source, registry()) });
    await later.control(parseControlMessage(redriveBody(JSON.stringify(letters[1])))!);
    expect(rig.rows("rows")).toHaveLength(3);
  });

  test("a registry that is down holds the batch back, and loses nothing", async () => {
    server.register(7, schema);
    server.answer = (_id, response) => {
      response.writeHead(503).end();
      return true;
    };
    const rig = new Rig(copied);
    const task = rig.task({ format: kafkaFormat(source, registry()) });
    const records = [recordOf(created(1, "Ann"))];
    await expect(task.turn({ kind: "records", records })).rejects.toMatchObject({ code: "registry/failed" });
    expect(rig.deadLetters()).toEqual([]);
    server.answer = undefined;
    await task.turn({ kind: "records", records });
    expect(rig.rows("rows")).toEqual([{ id: 1, name: "Ann" }]);
  });

  test("the test driver takes them as JSON: it has no registry", () => {
    const driver = testDriver(copied);
    driver.push(source, { op: "c", after: { id: 1, name: "Ann" }, ts_ms: 1_000 });
    expect(driver.read(rows)).toEqual([{ id: 1, name: "Ann" }]);
  });
});

describe("refused when declared", () => {
  const schema = z.object({ id: z.string(), at: z.number() });
  test("a key: its text is not what decides on the partition", () => {
    expect(() =>
      kafka("orders", { schema, format: "avro", key: { id: (order) => order.id }, partitions: 3, ...timed }),
    ).toThrow(/keys of topics of Avro are Avro/);
  });
  test("another format", () => {
    expect(() => kafka("orders", { schema, format: "protobuf" as never, ...timed })).toThrow(/no format "protobuf"/);
  });
});
