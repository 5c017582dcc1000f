import type { StandardSchemaV1 } from "@standard-schema/spec";
import { definitionError } from "../../errors.ts";
import { checkField, checkName } from "../../pipeline/names.ts";
import type { Table, TableDeclaration } from "../../pipeline/table.ts";

const DYNAMODB = "dynamodb";

export interface DynamoTableDeclaration extends TableDeclaration {
  readonly connector: typeof DYNAMODB;
  /** The attribute that is the table's partition key. */
  readonly key: string;
}

export const isDynamoTable = (table: TableDeclaration): table is DynamoTableDeclaration => table.connector === DYNAMODB;

export interface DynamoTableOptions<S extends StandardSchemaV1> {
  /** Any synchronous Standard Schema of an item: attributes by name, numbers as numbers. */
  readonly schema: S;
  /** The attribute that is the table's partition key, a string or a number. The table has no sort key. */
  readonly key: string;
}

/**
 * A DynamoDB table that values are looked up in, by its partition key.
 *
 * @throws definition errors `name/invalid`, `table/schema`
 */
export function dynamoTable<S extends StandardSchemaV1>(
  name: string,
  options: DynamoTableOptions<S>,
): DynamoTableDeclaration & Table<StandardSchemaV1.InferOutput<S>, string | number | bigint> {
  checkName("A DynamoDB table", name);
  if (typeof options.schema?.["~standard"]?.validate !== "function") {
    throw definitionError({
      code: "table/schema",
      message: `dynamoTable("${name}"): the schema is not a Standard Schema.`,
      advice: "Use zod, valibot, arktype or anything that has a `~standard` property.",
    });
  }
  checkField(`dynamoTable("${name}")`, options.key);
  return { kind: "table", connector: DYNAMODB, name, schema: options.schema, key: options.key };
}
