import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IConstruct } from "constructs";

/** A table as CDK has it, of either kind. */
export interface StreamedTable extends IConstruct {
  readonly tableStreamArn?: string | undefined;
  readonly encryptionKey?: IKey | undefined;
}

/** The table whose stream a source reads. */
export interface TableStreamSettings {
  /**
   * A table of the stack's account and region with a stream; one that is there already by `Table.fromTableAttributes`
   * with its `tableStreamArn`.
   */
  readonly table: StreamedTable;
  /** Which of the streams that the table ever had, 0 or more; raised when its stream is made anew. @default 0 */
  readonly incarnation?: number;
}
