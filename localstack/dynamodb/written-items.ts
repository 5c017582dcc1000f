import { isRecord } from "../template/template-file.ts";
import type { Item } from "./table-shard.ts";

export interface WrittenItem {
  readonly table: string;
  readonly key: Item;
}

/**
 * The items that a request writes to tables with streams, in its order.
 *
 * @param keysOf the names of a table's key attributes; undefined for a table without a stream
 */
export function writtenItems(
  operation: string,
  input: unknown,
  keysOf: (table: string) => readonly string[] | undefined,
): readonly WrittenItem[] {
  const pick = (table: unknown, item: unknown): readonly WrittenItem[] => {
    const keys = typeof table === "string" ? keysOf(table) : undefined;
    if (keys === undefined || !isRecord(item)) return [];
    return [{ table: table as string, key: Object.fromEntries(keys.map((key) => [key, item[key]])) }];
  };
  if (!isRecord(input)) return [];
  switch (operation) {
    case "PutItem":
      return pick(input["TableName"], input["Item"]);
    case "UpdateItem":
    case "DeleteItem":
      return pick(input["TableName"], input["Key"]);
    case "BatchWriteItem":
      return Object.entries(isRecord(input["RequestItems"]) ? input["RequestItems"] : {}).flatMap(([table, requests]) =>
        listOf(requests).flatMap((request) => [
          ...pick(table, partOf(request, "PutRequest")?.["Item"]),
          ...pick(table, partOf(request, "DeleteRequest")?.["Key"]),
        ]),
      );
    case "TransactWriteItems":
      return listOf(input["TransactItems"]).flatMap((one) => [
        ...pick(partOf(one, "Put")?.["TableName"], partOf(one, "Put")?.["Item"]),
        ...pick(partOf(one, "Update")?.["TableName"], partOf(one, "Update")?.["Key"]),
        ...pick(partOf(one, "Delete")?.["TableName"], partOf(one, "Delete")?.["Key"]),
      ]);
    default:
      return [];
  }
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function partOf(value: unknown, name: string): Record<string, unknown> | undefined {
  const part = isRecord(value) ? value[name] : undefined;
  return isRecord(part) ? part : undefined;
}
