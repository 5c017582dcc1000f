import { Lazy, Stack } from "aws-cdk-lib";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { isLake, type LakeDeclaration } from "../connectors/firehose/declare.ts";
import { definitionError } from "../errors.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import { planStages } from "../plan/stage.ts";

/** What of a lake stays as it was first deployed. */
export interface LakeRecord {
  readonly table: string;
  readonly format: string;
  /** The column whose day a row's folder is; none for folders by the hour of arrival. */
  readonly folders?: string;
  /** Of a table of Iceberg its columns, `name type`, and where it is: database and location. */
  readonly columns?: readonly string[];
  readonly place?: string;
}

export type LakeRecords = Readonly<Record<string, LakeRecord>>;

/** Where a pipeline's lakes are. */
export interface LakesPlace {
  readonly database: string;
  /** None without a lake. */
  readonly bucket: IBucket | undefined;
}

/** What the stack's template says of its lakes. Where they are is known at synthesis only. */
export function lakeRecordsOf(scope: Construct, pipeline: Pipeline, { database, bucket }: LakesPlace): LakeRecords {
  const stack = Stack.of(scope);
  const place = (): string => `${database} ${JSON.stringify(stack.resolve(bucket?.bucketName))}`;
  const of = (lake: LakeDeclaration): LakeRecord => ({
    table: lake.table,
    format: lake.format,
    ...(lake.eventDates && { folders: lake.eventDates.column }),
    ...(lake.table === "iceberg" && {
      columns: lake.columns.map(({ name, type }) => `${name} ${type}`),
      place: Lazy.uncachedString({ produce: place }),
    }),
  });
  const lakes = planStages(pipeline).flatMap(({ sinks }) => sinks.filter(isLake));
  return Object.fromEntries(lakes.map((lake) => [lake.name, of(lake)]));
}

/**
 * Refuses to go from lakes that are deployed to others of their names, whose files or tables these could not go on with,
 * whatever the generation: files are there before it and after it.
 *
 * @param kept what a deployed template says; of versions that said nothing of lakes, nothing
 * @throws definition error `deploy/state-loss`
 */
export function refuseOtherLakes(scope: Construct, pipeline: Pipeline, records: LakeRecords, kept: unknown): void {
  const before = recordsIn(kept);
  for (const [name, was] of before) {
    const is = records[name];
    if (is === undefined) continue;
    const changed = changeOf(was, is);
    if (changed !== undefined) throw refuse(`lake("${name}") ${changed}`);
  }
  // Ids are final at synthesis only.
  scope.node.addValidation({
    validate: () =>
      before.flatMap(([name, was]) => {
        const place = Stack.of(scope).resolve(records[name]?.place) as string | undefined;
        if (was.place === undefined || place === undefined || place === was.place) return [];
        const problem = `lake("${name}") is a table of Iceberg in ${was.place} where it is deployed, and in ${place} here`;
        const { message, advice } = refuse(problem);
        return [`${pipeline.name}: ${message} ${advice ?? ""}`];
      }),
  });
}

function changeOf(was: LakeRecord, is: LakeRecord): string | undefined {
  if (was.table !== is.table) return `has a table of ${was.table} where it is deployed, and of ${is.table} here`;
  if (was.format !== is.format) return `has files of ${was.format} where it is deployed, and of ${is.format} here`;
  if (was.folders !== is.folders) {
    const folders = (column: string | undefined) =>
      column === undefined ? "the hour in which rows arrive" : `the day of ${column}`;
    return `has folders by ${folders(was.folders)} where it is deployed, and by ${folders(is.folders)} here`;
  }
  if (was.columns === undefined || is.columns === undefined || was.columns.join() === is.columns.join())
    return undefined;
  return (
    `is a table of Iceberg with the columns ${was.columns.join(", ")} where it is deployed, and ${is.columns.join(", ")} here: ` +
    `CloudFormation would change the catalogue alone, and the table be lost to its readers`
  );
}

const refuse = (problem: string) =>
  definitionError({
    code: "deploy/state-loss",
    message: `${problem}.`,
    advice:
      "Declare it as it was, and a lake of a new name beside it: send to both for one deployment, then take out the old one.",
  });

function recordsIn(kept: unknown): readonly (readonly [string, LakeRecord])[] {
  const { lakes } = (kept ?? {}) as { readonly lakes?: Readonly<Record<string, Partial<LakeRecord>>> };
  return Object.entries(lakes ?? {}).flatMap(([name, { table, format, ...others }]) =>
    typeof table === "string" && typeof format === "string" ? [[name, { table, format, ...others }] as const] : [],
  );
}
