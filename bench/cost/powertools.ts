import path from "node:path";
import { pathToFileURL } from "node:url";
import { UpdateItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { packagesOf } from "../harness/install.ts";
import { makeTable } from "./dynamodb-local.ts";
import type { CostEvent } from "./events.ts";
import { additionOf, HOURS_KEY, readHours } from "./hours-table.ts";
import { each, type MakeWay } from "./way.ts";

/** What is used of @aws-lambda-powertools/idempotency, which is installed when the bench runs. */
interface Idempotency {
  readonly IdempotencyConfig: new (options: { eventKeyJmesPath: string }) => {
    registerLambdaContext(context: { getRemainingTimeInMillis(): number }): void;
  };
  readonly makeIdempotent: <T>(
    work: (event: CostEvent) => Promise<T>,
    options: { persistenceStore: unknown; config: unknown },
  ) => (event: CostEvent) => Promise<T>;
}
interface Persistence {
  readonly DynamoDBPersistenceLayer: new (options: { tableName: string; awsSdkV3Client: DynamoDBClient }) => unknown;
}

export const DESCRIPTION = path.join(import.meta.dirname, "peers/package.json");

/**
 * Powertools' idempotency around the handling of a record, and an update in it: what its documentation shows. Between the
 * update and the mark that it is done a process may die: then it is done again.
 */
export const powertools: MakeWay = async ({ client, uncounted, run }) => {
  const [records, table] = [`idempotency-${run}`, `hours-${run}`];
  await makeTable(uncounted, records, { id: "S" });
  await makeTable(uncounted, table, HOURS_KEY);
  const { makeIdempotent, IdempotencyConfig } = await imported<Idempotency>("index.js");
  const { DynamoDBPersistenceLayer } = await imported<Persistence>("persistence/DynamoDBPersistenceLayer.js");
  const config = new IdempotencyConfig({ eventKeyJmesPath: "eventId" });
  config.registerLambdaContext({ getRemainingTimeInMillis: () => 60_000 });
  const fold = makeIdempotent(
    async (event: CostEvent) => {
      await client.send(new UpdateItemCommand(additionOf(table, event)));
      return true;
    },
    { persistenceStore: new DynamoDBPersistenceLayer({ tableName: records, awsSdkV3Client: client }), config },
  );
  return {
    name: "Powertools idempotency",
    about: "a record each: put if absent, the update, put as done; not atomic",
    isExactHoweverCut: true,
    take: ({ events }) => each(events, fold),
    hours: () => readHours(uncounted, table),
  };
};

const imported = async <T>(file: string): Promise<T> => {
  const packages = packagesOf("powertools", DESCRIPTION);
  const module = path.join(packages, "node_modules/@aws-lambda-powertools/idempotency/lib/esm", file);
  return (await import(pathToFileURL(module).href)) as T;
};
