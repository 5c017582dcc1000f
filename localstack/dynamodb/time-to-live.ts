import { LocalStackError } from "../errors.ts";
import type { JsonClient } from "../gateway/json-client.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";
import { TIME_TO_LIVE, type TableStreams } from "./table-streams.ts";
import { isRecord } from "../template/template-file.ts";

type Item = Readonly<Record<string, unknown>>;

/** A table whose items may expire. */
interface ExpiringTable {
  readonly name: string;
  /** Holds epoch seconds. */
  readonly attribute: string;
  readonly keys: readonly string[];
}

/**
 * Deletes what AWS would delete in the background, within days of its time: items whose time-to-live attribute is a
 * number of epoch seconds that is past. The emulator has no time to live, so this stands in for it.
 *
 * @param now epoch milliseconds
 * @returns how many items were deleted
 */
export async function expireItems(
  client: JsonClient,
  streams: TableStreams,
  tables: readonly ResolvedResource[],
  now: number,
): Promise<number> {
  let deleted = 0;
  for (const table of tables.flatMap(expiring)) {
    for await (const item of expired(client, table, Math.floor(now / 1_000))) {
      if (await remove(client, streams, table, item)) deleted += 1;
    }
  }
  return deleted;
}

function expiring({ name, properties }: ResolvedResource): readonly ExpiringTable[] {
  const { AttributeName: attribute, Enabled: enabled } = isRecord(properties["TimeToLiveSpecification"])
    ? properties["TimeToLiveSpecification"]
    : {};
  if (typeof attribute !== "string" || enabled !== true) return [];
  const schema = properties["KeySchema"] as readonly { readonly AttributeName: string }[];
  return [{ name, attribute, keys: schema.map(({ AttributeName }) => AttributeName) }];
}

async function* expired(client: JsonClient, table: ExpiringTable, seconds: number): AsyncGenerator<Item> {
  let ExclusiveStartKey: unknown;
  do {
    const page = (await client.call("Scan", {
      TableName: table.name,
      ConsistentRead: true,
      FilterExpression: "attribute_type(#ttl, :number) AND #ttl <= :now",
      ExpressionAttributeNames: { "#ttl": table.attribute },
      ExpressionAttributeValues: { ":number": { S: "N" }, ":now": { N: String(seconds) } },
      ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }),
    })) as { readonly Items: readonly Item[]; readonly LastEvaluatedKey?: unknown };
    yield* page.Items;
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
}

/** @returns whether it was there and as it was seen: one that was written anew meanwhile has another time */
async function remove(
  client: JsonClient,
  streams: TableStreams,
  { name, attribute, keys }: ExpiringTable,
  item: Item,
): Promise<boolean> {
  const input = {
    TableName: name,
    Key: Object.fromEntries(keys.map((key) => [key, item[key]])),
    ConditionExpression: "#ttl = :seen",
    ExpressionAttributeNames: { "#ttl": attribute },
    ExpressionAttributeValues: { ":seen": item[attribute] },
  };
  try {
    await streams.write("DeleteItem", input, () => client.call("DeleteItem", input), TIME_TO_LIVE);
    return true;
  } catch (error) {
    if (error instanceof LocalStackError && error.code === "ConditionalCheckFailedException") return false;
    throw error;
  }
}
