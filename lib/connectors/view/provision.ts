import { AttributeType, BillingMode, Table, TableEncryption, type ITable } from "aws-cdk-lib/aws-dynamodb";
import type { Construct } from "constructs";
import type { SinkDeclaration } from "../../pipeline/sink.ts";
import type { CheckedSink, Place, ProvisionedSink } from "../provisioned.ts";
import type { ViewDeclaration } from "./declare.ts";
import type { ViewColumn } from "./row.ts";
import { EXPIRES } from "./version.ts";

/** A view's table: the one that was given, or one that is made. */
export const checkView = (sink: SinkDeclaration, given: ITable | undefined): CheckedSink => ({
  name: sink.name,
  provision: (scope, place) => provisionView(scope, sink as ViewDeclaration, place, given),
});

function provisionView(
  scope: Construct,
  view: ViewDeclaration,
  place: Place,
  given: ITable | undefined,
): ProvisionedSink {
  // Which CDK types without the exactness about undefined that is compiled with here.
  const table = given ?? (viewTable(scope, view, place) as ITable);
  return {
    name: view.name,
    viewTable: table,
    address: { table: table.tableName },
    // Conditions are part of the put: what is there need not be read.
    grants: [{ sid: "WriteViews", actions: ["dynamodb:PutItem"], resources: [table.tableArn] }],
    keyArns: given?.encryptionKey === undefined ? [] : [given.encryptionKey.keyArn],
    announced: [{ name: "Table", value: table.tableName, description: "Table" }],
    exceptions: [],
  };
}

/** Kept as the changelog is: a view can be made anew, but only as far back as its events are kept. */
function viewTable(
  scope: Construct,
  { name, key: [partition, sort] }: ViewDeclaration,
  { encryptionKey, removalPolicy, deletionProtection }: Place,
): Table {
  return new Table(scope, name, {
    partitionKey: attributeOf(partition!),
    ...(sort && { sortKey: attributeOf(sort) }),
    billingMode: BillingMode.PAY_PER_REQUEST,
    ...(encryptionKey === undefined
      ? { encryption: TableEncryption.AWS_MANAGED }
      : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey }),
    timeToLiveAttribute: EXPIRES,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection,
    removalPolicy,
  });
}

const attributeOf = ({ field, type }: ViewColumn) => ({
  name: field,
  type: type === "string" ? AttributeType.STRING : AttributeType.NUMBER,
});
