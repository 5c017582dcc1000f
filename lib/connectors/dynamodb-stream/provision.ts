import { Stack } from "aws-cdk-lib";
import { CfnGlobalTable, CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { suspectAfterMillis, type CheckedMapping } from "../kinesis/stream-settings.ts";
import { refuseSetting, wholeWithin } from "../limits.ts";
import type { CheckedSource } from "../provisioned.ts";
import { mapShards } from "../shard-mapping.ts";
import { DYNAMODB_STREAM, type DynamoStreamDeclaration } from "./declare.ts";
import { NEW_AND_OLD } from "./event.ts";
import type { TableStreamSettings } from "./table-stream-settings.ts";

/** DynamoDB keeps a stream's records for a day, and no setting changes it. */
export const RETENTION_SECONDS = 86_400;

/** What Lambda's poller needs of a table's stream, and what the runtime asks for. */
const READING = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"];

/** The stream of a table as what a stage reads. @throws definition errors `provision/refused`, `provision/limit` */
export function tableStreamInput(
  what: string,
  source: DynamoStreamDeclaration,
  settings: TableStreamSettings | undefined,
  mapping: CheckedMapping,
  iteratorAgeSeconds: number,
): CheckedSource {
  const named = `${what}: tableStreams.${source.name}`;
  if (settings === undefined) {
    throw refuseSetting(named, "not given", `The source "${source.name}" reads a table's stream: say of which table.`);
  }
  const { table } = settings;
  const streamArn = table.tableStreamArn;
  if (streamArn === undefined) {
    throw refuseSetting(`${named}.table`, "a table without a stream", "Give it one, or its tableStreamArn.");
  }
  const view = viewTypeOf(table.node.defaultChild);
  const needed = source.hasOldImages ? ["NEW_AND_OLD_IMAGES"] : ["NEW_AND_OLD_IMAGES", "NEW_IMAGE"];
  if (view !== undefined && !needed.includes(view)) {
    throw refuseSetting(
      `${named}.table`,
      `a table whose stream has the view type ${view}`,
      `The source "${source.name}" needs ${needed.toReversed().join(" or ")}.`,
    );
  }
  return {
    connector: DYNAMODB_STREAM,
    incarnation: wholeWithin(`${named}.incarnation`, settings.incarnation ?? 0, {
      least: 0,
      most: Number.MAX_SAFE_INTEGER,
      unit: "incarnations",
      why: "It counts the streams that the table ever had.",
    }),
    // As many as the table has partitions: DynamoDB does not say.
    concurrency: { partitions: 1, mayGrow: true },
    iteratorAgeSeconds,
    suspectAfterMillis: suspectAfterMillis(mapping),
    provision: () => ({
      address: { streamArn, images: source.hasOldImages ? NEW_AND_OLD : "new" },
      grants: [{ sid: "ReadTableStream", actions: READING, resources: [streamArn] }],
      keyArns: table.encryptionKey === undefined ? [] : [table.encryptionKey.keyArn],
      announced: [{ name: "StreamArn", value: streamArn, description: "Table stream" }],
      exceptions: [],
      records: { construct: table, arn: streamArn },
      stream: undefined,
      isBilledByPut: false,
      map: (scope, id, target, onFailure) =>
        void mapShards(scope, id, { sourceArn: streamArn, target, onFailure, mapping }),
    }),
  };
}

/** A table's view type, where it is made in the same app. */
function viewTypeOf(resource: unknown): string | undefined {
  if (!(resource instanceof CfnTable || resource instanceof CfnGlobalTable)) return undefined;
  const specification = Stack.of(resource).resolve(resource.streamSpecification) as
    { readonly streamViewType?: string } | undefined;
  return specification?.streamViewType;
}
