import { FirehoseClient, PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryStack, writeTemplate, type TemporaryStack } from "../../localstack/testing/temporary-stack.ts";
import type { FaultPlan } from "../../localstack/types.ts";
import { LakeErrors } from "../../tools/error-rows/lake-errors.ts";
import { putBack, type PutContext } from "../../tools/error-rows/put.ts";

/** A lake whose table has one column, of a type that rows fit or do not. */
const lake = (type: string) => ({
  Resources: {
    Lake: { Type: "AWS::S3::Bucket", Properties: { BucketName: "lake" } },
    Database: { Type: "AWS::Glue::Database", Properties: { DatabaseInput: { Name: "db" } } },
    Table: {
      Type: "AWS::Glue::Table",
      Properties: {
        DatabaseName: { Ref: "Database" },
        TableInput: {
          Name: "rows",
          StorageDescriptor: {
            Columns: [
              { Name: "n", Type: type },
              { Name: "output_id", Type: "string" },
            ],
          },
        },
      },
    },
    Rows: {
      Type: "AWS::KinesisFirehose::DeliveryStream",
      Properties: {
        DeliveryStreamName: "rows",
        ExtendedS3DestinationConfiguration: {
          BucketARN: { "Fn::GetAtt": ["Lake", "Arn"] },
          Prefix: "data/rows/!{timestamp:yyyy}/",
          ErrorOutputPrefix: "errors/rows/!{firehose:error-output-type}/!{timestamp:yyyy}/",
          BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 900 },
          DataFormatConversionConfiguration: {
            InputFormatConfiguration: { Deserializer: { HiveJsonSerDe: {} } },
            OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
            SchemaConfiguration: { DatabaseName: { Ref: "Database" }, TableName: { Ref: "Table" } },
          },
        },
      },
    },
  },
});

const OBJECTS = 3;
const ROWS = 40;

let local: TemporaryStack;
let clients: { firehose: FirehoseClient; s3: S3Client };

async function start(faults?: FaultPlan): Promise<void> {
  local = await temporaryStack(lake("boolean"), {}, faults && { faults });
  clients = newClients();
}

function newClients(): typeof clients {
  const { endpoints } = local.stack;
  const connection = { region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
  return {
    firehose: new FirehoseClient({ ...connection, endpoint: endpoints.firehose }),
    s3: new S3Client({ ...connection, endpoint: endpoints.s3, forcePathStyle: true }),
  };
}

/** Tells the rows of one {@link fail} from those of another. */
let run = 0;

/** Puts rows that do not fit: so many records to an object, two rows to a record. */
async function fail(): Promise<void> {
  run += 1;
  for (let object = 0; object < OBJECTS; object++) {
    const Records = Array.from({ length: ROWS / 2 }, (_, i) => {
      const row = (n: number) => `{"n":${n},"output_id":"t${run}@${object}#${n}"}\n`;
      return { Data: Buffer.from(row(2 * i) + row(2 * i + 1)) };
    });
    await clients.firehose.send(new PutRecordBatchCommand({ DeliveryStreamName: "rows", Records }));
    await local.stack.flushDeliveryStreams();
  }
}

const mend = () => local.stack.update([writeTemplate(`${local.directory}/mended`, lake("bigint"))]);

const PLACE = { name: "rows", bucket: "lake", errorPrefix: "errors/rows/", deliveryStream: "rows" };

const put = (more: Partial<PutContext> = {}, { firehose, s3 } = clients) =>
  putBack({
    ...{ firehose, deliveryStream: "rows", errors: new LakeErrors(s3, PLACE), limit: 100, rate: 1e9, dryRun: false },
    ...{ isOver: () => false, onProgress: () => undefined, now: () => 0, sleep: async () => undefined },
    ...more,
  });

const left = async () => (await new LakeErrors(clients.s3, PLACE).list(100)).length;

/** The newest rows in files, by their ids: the values of all copies. */
async function rows(): Promise<ReadonlyMap<string, readonly number[]>> {
  await local.stack.flushDeliveryStreams();
  const files = await local.stack.objectFiles("lake", "data/rows/");
  const found = new Map<string, number[]>();
  if (files.length === 0) return found;
  const connection = await (await DuckDBInstance.create()).connect();
  const list = files.map((file) => `'${file}'`).join();
  const result = await connection.runAndReadAll(`select output_id, n from read_parquet([${list}])`);
  const newest = result.getRows().filter(([id]) => String(id).startsWith(`t${run}@`));
  for (const [id, n] of newest) found.set(String(id), [...(found.get(String(id)) ?? []), Number(n)]);
  connection.closeSync();
  return found;
}

async function expectAllRows(most: number): Promise<void> {
  const found = await rows();
  expect(found.size).toBe(OBJECTS * ROWS);
  for (const [id, copies] of found) {
    expect(new Set(copies)).toEqual(new Set([Number(id.split("#")[1])]));
    expect(copies.length).toBeLessThanOrEqual(most);
  }
}

beforeEach(() => start());
afterEach(async () => {
  for (const client of Object.values(clients)) client.destroy();
  await local.remove();
});

test("rows of a table that was mended are put again under their ids, and the error objects are gone", async () => {
  await fail();
  expect(await put({ dryRun: true })).toEqual({ objects: OBJECTS, records: (OBJECTS * ROWS) / 2, left: [] });
  expect(await rows()).toEqual(new Map());
  await mend();
  expect(await put()).toEqual({ objects: OBJECTS, records: (OBJECTS * ROWS) / 2, left: [] });
  expect(await left()).toBe(0);
  await expectAllRows(1);
  expect(await put()).toEqual({ objects: 0, records: 0, left: [] });
});

test("what does not fit even now is an error object again, and not put by the same run", async () => {
  await fail();
  const errors = new LakeErrors(clients.s3, PLACE);
  const flushing = { list: (n: number) => errors.list(n), read: (key: string) => errors.read(key) };
  const summary = await put({
    errors: {
      ...flushing,
      delete: async (key) => {
        await local.stack.flushDeliveryStreams();
        await errors.delete(key);
      },
    },
  });
  expect(summary).toMatchObject({ objects: OBJECTS });
  expect(await left()).toBe(OBJECTS);
});

test("killed before or after each of its requests, and run again: no row is missing, and each has its id", async () => {
  for (let at = 0; at < 1 + 3 * OBJECTS; at++) {
    for (const kind of ["before", "after"] as const) {
      await fail();
      const dying = newClients();
      let requests = 0;
      const die = (next: (args: never) => Promise<never>) => async (args: never) => {
        const request = requests++;
        if (request > at || (request === at && kind === "before")) throw new Error("killed");
        const answer = await next(args);
        if (request === at) throw new Error("killed");
        return answer;
      };
      dying.s3.middlewareStack.add(die as never, { step: "initialize" });
      dying.firehose.middlewareStack.add(die as never, { step: "initialize" });
      await mend();
      await expect(put({}, dying)).rejects.toThrow("killed");
      expect(requests).toBe(at + 1);
      await put();
      expect(await left()).toBe(0);
      await expectAllRows(Number.POSITIVE_INFINITY);
      for (const client of Object.values(dying)) client.destroy();
      await local.stack.update([writeTemplate(`${local.directory}/broken`, lake("boolean"))]);
    }
  }
});

test("no more than the limit, none after it is over, and no faster than the rate", async () => {
  await fail();
  await mend();
  expect(await put({ isOver: () => true })).toMatchObject({ objects: 0 });
  expect(await put({ limit: 1 })).toMatchObject({ objects: 1 });
  expect(await left()).toBe(OBJECTS - 1);
  const slept: number[] = [];
  await put({ rate: 5, sleep: async (millis) => void slept.push(millis) });
  expect(slept).toEqual([ROWS / 2 / 5, ROWS / 5].map((seconds) => seconds * 1_000));
});

test("what is none of Firehose's stays, and the others are put", async () => {
  await fail();
  await clients.s3.send(new PutObjectCommand({ Bucket: "lake", Key: "errors/rows/a/by-hand", Body: "text" }));
  await mend();
  expect(await put()).toEqual({
    ...{ objects: OBJECTS, records: (OBJECTS * ROWS) / 2 },
    left: [expect.stringContaining("errors/rows/a/by-hand is no error object")],
  });
  expect(await left()).toBe(1);
  await expectAllRows(1);
});

test("records that a request leaves out are put again, and in the end the object stays", async () => {
  await fail();
  await mend();
  const [key] = (await new LakeErrors(clients.s3, PLACE).list(1)).map((one) => one.key);
  const refusing = newClients();
  let refused = 0;
  /** Leaves out the last of each request, so often. */
  const leaveOut = (times: number) =>
    refusing.firehose.middlewareStack.add(
      (next) => async (args) => {
        const { Records } = args.input as { Records: unknown[] };
        if (refused === times) return next(args);
        refused += 1;
        const taken = { ...args, input: { ...args.input, Records: Records.slice(0, -1) } };
        if (Records.length > 1) await next(taken);
        const RequestResponses = Records.map((_, i) =>
          i < Records.length - 1 ? {} : { ErrorCode: "ServiceUnavailable" },
        );
        return { response: {}, output: { FailedPutCount: 1, RequestResponses, $metadata: {} } };
      },
      { step: "initialize", name: "leaveOut", override: true },
    );
  leaveOut(10);
  await expect(put({ limit: 1 }, refusing)).rejects.toThrow("did not take 1 records in 10 attempts");
  expect((await new LakeErrors(clients.s3, PLACE).list(1)).map((one) => one.key)).toEqual([key]);
  refused = 0;
  leaveOut(9);
  await put({}, refusing);
  expect(await left()).toBe(0);
  await expectAllRows(2);
  for (const client of Object.values(refusing)) client.destroy();
});
