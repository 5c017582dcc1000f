import { RemovalPolicy } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import { positionsTable } from "../connectors/replication/copy-table.ts";

export interface CopyPositionsProps {
  /** What stacks of other regions know it by. @default a name is generated */
  readonly tableName?: string;
  /** A key that encrypts the table. @default a key of AWS's */
  readonly encryptionKey?: IKey;
  /** What becomes of the table when the stack is deleted. @default "retain" */
  readonly removal?: "retain" | "destroy";
}

/**
 * The table that says how far copies are, for a stack of the region that you would fail over to: the stack of the pipeline that
 * copies is in another. Several copies may share one.
 */
export class CopyPositions extends Construct {
  readonly table: ITable;

  constructor(scope: Construct, id: string, { tableName, encryptionKey, removal = "retain" }: CopyPositionsProps = {}) {
    super(scope, id);
    this.table = positionsTable(this, "Table", {
      tableName,
      encryptionKey,
      removalPolicy: removal === "retain" ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      deletionProtection: removal === "retain",
    }) as ITable;
  }
}
