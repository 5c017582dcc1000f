import { Arn, ArnFormat, Stack, Token, type IResource } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table, TableEncryption, type ITable } from "aws-cdk-lib/aws-dynamodb";
import type { Construct } from "constructs";
import type { Address } from "../../plan/bindings.ts";
import type { Grant, Place } from "../provisioned.ts";
import { EXPIRES, PLACE, TASK } from "./positions.ts";

/** Where services of another region are reached, if not at their public endpoints: URLs of interface endpoints. */
export interface CopyEndpoints {
  readonly kinesis?: string;
  readonly dynamodb?: string;
}

/** What every copy's settings have. */
export interface PositionSettings {
  /**
   * The table that says how far the copy is (`CopyPositions`): put it where you would fail over to. Of a region and account of its
   * own, as its ARN says. @default one is made in the pipeline's stack
   */
  readonly positions?: ITable;
  readonly endpoints?: CopyEndpoints;
}

/** A table of positions. Of all that a copy's line says, only keys are declared; old lines go by themselves. */
export const positionsTable = (
  scope: Construct,
  id: string,
  { tableName, encryptionKey, removalPolicy, deletionProtection }: Place & { readonly tableName?: string | undefined },
): Table =>
  new Table(scope, id, {
    ...(tableName !== undefined && { tableName }),
    partitionKey: { name: TASK, type: AttributeType.STRING },
    sortKey: { name: PLACE, type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    ...(encryptionKey === undefined
      ? { encryption: TableEncryption.AWS_MANAGED }
      : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey }),
    timeToLiveAttribute: EXPIRES,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection,
    removalPolicy,
  });

/** A copy's table, as its writer is told of it. */
export interface ProvisionedPositions {
  readonly address: Address;
  readonly grants: readonly Grant[];
  readonly keyArns: readonly string[];
  readonly table: ITable;
}

/** @param name the copy's */
export function provisionPositions(
  scope: Construct,
  name: string,
  place: Place,
  { positions, endpoints = {} }: PositionSettings,
): ProvisionedPositions {
  const table = positions ?? (positionsTable(scope, `${name}-positions`, place) as ITable);
  const region = regionOf(scope, table, table.tableArn);
  return {
    table,
    address: {
      positions: table.tableName,
      ...(region !== undefined && { positionsRegion: region }),
      ...(endpoints.dynamodb !== undefined && { dynamodbEndpoint: endpoints.dynamodb }),
    },
    grants: [{ sid: "NotePositions", actions: ["dynamodb:PutItem", "dynamodb:Query"], resources: [table.tableArn] }],
    keyArns: positions?.encryptionKey === undefined ? [] : [positions.encryptionKey.keyArn],
  };
}

/** The region of what is not in the stack's own; undefined for what is. */
export function regionOf(scope: Construct, { env }: IResource, arn: string): string | undefined {
  const region = Token.isUnresolved(arn) ? env.region : Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME).region;
  return region === undefined || region === Stack.of(scope).region ? undefined : region;
}
