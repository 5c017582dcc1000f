import { Stack, Token, TokenComparison } from "aws-cdk-lib";
import { Table, type ITable } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { refuseSetting } from "../limits.ts";

/**
 * A table that is there already: the one that was given, or the one that has the name.
 *
 * @throws definition error `provision/refused` for one of another account or region
 */
export function lookupTable(scope: Construct, name: string, given: ITable | undefined): ITable {
  if (given === undefined) {
    const tables = scope.node.tryFindChild("Tables") ?? new Construct(scope, "Tables");
    const known = tables.node.tryFindChild(name) as ITable | undefined; // another stage looks up in it too
    return known ?? Table.fromTableName(tables, name, name);
  }
  const { account, region } = Stack.of(scope);
  const isElsewhere = isOther(given.env.account, account) || isOther(given.env.region, region);
  if (!isElsewhere) return given;
  throw refuseSetting(
    `The table "${name}"`,
    `of ${given.env.account}, ${given.env.region}`,
    "Lookups are in tables of the stack's account and region: give it a replica there.",
  );
}

const isOther = (one: string, other: string): boolean => Token.compareStrings(one, other) === TokenComparison.DIFFERENT;

/** What looking up asks for, on exactly these tables; and the reading of what their own keys encrypt. */
export function readTables(tables: readonly ITable[]): readonly PolicyStatement[] {
  const allow = (sid: string, action: string, resources: readonly string[]) =>
    resources.length === 0 ? [] : [new PolicyStatement({ sid, actions: [action], resources: [...resources] })];
  const keys = tables.flatMap(({ encryptionKey }) => encryptionKey?.keyArn ?? []);
  return [
    ...allow(
      "LookUp",
      "dynamodb:BatchGetItem",
      tables.map(({ tableArn }) => tableArn),
    ),
    ...allow("DecryptTables", "kms:Decrypt", keys),
  ];
}
