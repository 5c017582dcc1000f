import { S3Client } from "@aws-sdk/client-s3";
import { Admin } from "@platformatic/kafka";
import { debezium, isChange, kafka, pipeline } from "millrace";
import { inspectTasks, lambdaHandler, readBindings } from "millrace/lambda";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { z } from "zod";
import { RegistryServer } from "../connectors/registry-server.ts";
import { confluentPayload } from "../formats/connect-avro.ts";
import { bindingsOf, CONTEXT, startHandlerServices, type HandlerServices } from "../support/handler-services.ts";

const topic = `avro-${process.pid}`;
const row = z.object({ id: z.number(), name: z.string() });
const customers = pipeline("customers", (flow) => {
  flow
    .from(
      kafka("customers", {
        topic,
        schema: debezium({ row, key: row.pick({ id: true }) }),
        format: "avro",
        eventTime: (event) => event.at,
        disorder: { seconds: 10 },
      }),
    )
    .filter("changes", isChange)
    .metric("changed");
});

const value = {
  type: "record",
  name: "Value",
  fields: [
    { name: "id", type: "int" },
    { name: "name", type: "string" },
  ],
};
const fields = [
  { name: "after", type: ["null", value] },
  { name: "op", type: "string" },
  { name: "ts_ms", type: "long" },
];
const schema = { type: "record", name: "Envelope", fields };

let registry: RegistryServer;
let services: HandlerServices;
beforeAll(async () => {
  const bootstrapServers = inject("bootstrapServers");
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [bootstrapServers] });
  await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
  await admin.close();
  registry = await RegistryServer.start();
  registry.register(7, schema);
  const address = { topic, auth: "none", bootstrapServers, registryUrl: registry.url };
  const bindings = bindingsOf("customers", "", {});
  services = await startHandlerServices([], {
    ...bindings,
    source: { ...bindings.source, connector: "kafka", address },
  });
  for (const method of ["log", "info", "warn", "error"] as const) vi.spyOn(console, method).mockReturnValue();
});
afterAll(async () => {
  await services.stop();
  await registry.stop();
  vi.restoreAllMocks();
});

test("a function reads Debezium's Avro of a topic, by the schemas of the registry that it is bound to", async () => {
  const payload = (id: number) =>
    confluentPayload(7, schema, { after: { id, name: "Ann" }, op: "c", ts_ms: Date.now() }).toString("base64");
  const handler = lambdaHandler(customers);
  const answer = await handler(
    {
      eventSource: "SelfManagedKafka",
      bootstrapServers: inject("bootstrapServers"),
      records: {
        [`${topic}-0`]: [0, 1, 2].map((offset) => ({
          ...{ topic, partition: 0, offset, timestamp: Date.now(), timestampType: "CREATE_TIME", headers: [] },
          value: payload(offset),
        })),
      },
    },
    CONTEXT,
  );
  expect(answer).toEqual({ batchItemFailures: [] });
  expect(registry.asked).toEqual([7]);
  const [task] = await inspectTasks({
    dynamodb: services.dynamodb,
    s3: new S3Client({ forcePathStyle: true }),
    bindings: readBindings(process.env),
    pipeline: customers,
    partitions: [`${topic}-0`],
  });
  expect(task).toMatchObject({ position: { sequence: "2" } });
  expect(task!.counters.get("changes")).toMatchObject({ in: 3, filtered: 0 });
});
