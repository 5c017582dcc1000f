import { PutRecordCommand } from "@aws-sdk/client-firehose";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { literal, type Database } from "../start/database.ts";
import { DUCKDB_TYPES, type TableInput } from "../start/results.ts";
import type { Checks } from "./check.ts";
import type { EmulatedStack } from "./emulated-stack.ts";
import { contentOf, keysOf } from "./objects.ts";

const SAMPLE: Readonly<Record<string, unknown>> = {
  string: "ORD",
  bigint: 1,
  double: 0.5,
  boolean: true,
  // As text, which the emulator understands.
  timestamp: "2001-01-01 00:00:00",
};

interface Lake {
  readonly deliveryStream: string;
  readonly table: TableInput;
}

/**
 * A row put into each delivery stream comes out below the lake's prefix, as Parquet with the Glue table's columns. The
 * pipeline's own rows cannot show that here: see emulated-lake.ts.
 */
export async function checkParquet(
  stack: EmulatedStack,
  tables: readonly TableInput[],
  database: Database,
  { directory, sleep }: { readonly directory: string; readonly sleep: (millis: number) => Promise<void> },
  checks: Checks,
): Promise<void> {
  for (const { deliveryStream, table } of lakesOf(stack, tables)) {
    const columns = table.StorageDescriptor?.Columns ?? [];
    const row = Object.fromEntries(columns.map(({ Name, Type }) => [Name, SAMPLE[Type]]));
    const before = new Set(await parquetKeys(stack, table));
    await stack.clients.firehose.send(
      new PutRecordCommand({
        DeliveryStreamName: deliveryStream,
        Record: { Data: Buffer.from(`${JSON.stringify(row)}\n`) },
      }),
    );
    let made: string | undefined;
    for (let look = 0; look < 100 && made === undefined; look++) {
      made = (await parquetKeys(stack, table)).find((key) => !before.has(key));
      if (made === undefined) await sleep(100);
    }
    const wanted = columns.map(({ Name, Type }) => `${Name} ${DUCKDB_TYPES[Type] ?? Type}`).join(", ");
    const seen = made === undefined ? "no file" : await schemaOf(stack, made, database, directory);
    checks.that(`${table.Name}: Parquet with the Glue table's columns`, seen === wanted, seen);
  }
}

const lakesOf = (stack: EmulatedStack, tables: readonly TableInput[]): readonly Lake[] =>
  Object.entries(stack.outputs).flatMap(([name, deliveryStream]) => {
    const [, prefix] = /^(Lake\w+)DeliveryStream$/.exec(name) ?? [];
    if (prefix === undefined) return [];
    const raw = stack.output(`${prefix}Table`);
    const table = tables.find(({ Name }) => Name === raw);
    if (table === undefined) throw new Error(`The Glue database has no table ${raw}.`);
    return [{ deliveryStream, table }];
  });

const parquetKeys = async (stack: EmulatedStack, { StorageDescriptor }: TableInput): Promise<readonly string[]> => {
  const [, bucket = "", prefix = ""] = /^s3:\/\/([^/]+)\/(.*)$/.exec(StorageDescriptor?.Location ?? "") ?? [];
  return (await keysOf(stack.clients.s3, bucket, prefix)).filter((key) => key.endsWith(".parquet"));
};

async function schemaOf(stack: EmulatedStack, key: string, database: Database, directory: string): Promise<string> {
  const file = path.join(directory, path.basename(key));
  await writeFile(file, await contentOf(stack.clients.s3, stack.output("LakeBucket"), key));
  const columns = await database.rows(`DESCRIBE SELECT * FROM read_parquet(${literal(file)})`);
  return columns.map(({ column_name: name, column_type: type }) => `${String(name)} ${String(type)}`).join(", ");
}
