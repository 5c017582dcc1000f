import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Change, ChangeOrigin } from "../../formats/change/change.ts";
import { changeOf, isObject, unreadable, type ChangeOptions } from "../../formats/change/row-schema.ts";
import { plainItem, type Item } from "../dynamodb-table/plain-item.ts";

const OPS: Readonly<Record<string, Change<unknown, unknown>["op"]>> = {
  INSERT: "insert",
  MODIFY: "update",
  REMOVE: "delete",
};

/** Digits of a position: longer than any sequence number that a stream had so far (25). */
const DIGITS = 40;

/** Reads a stream's record. @throws Unreadable */
export function changeOfRecord(
  record: unknown,
  options: ChangeOptions<StandardSchemaV1, StandardSchemaV1, "row" | "none">,
): Change<unknown, unknown, unknown> {
  if (!isObject(record) || !isObject(record["dynamodb"])) throw unreadable("The record is none of a table's stream.");
  const { eventName, dynamodb, userIdentity } = record;
  const {
    Keys,
    NewImage,
    OldImage,
    SequenceNumber,
    ApproximateCreationDateTime: seconds,
  } = dynamodb as Partial<Record<string, unknown>>;
  const op = typeof eventName === "string" && Object.hasOwn(OPS, eventName) ? OPS[eventName] : undefined;
  if (op === undefined) throw unreadable("The record says not what was done.", "eventName");
  if (typeof seconds !== "number")
    throw unreadable("The record has no time.", "dynamodb", "ApproximateCreationDateTime");
  if (typeof SequenceNumber !== "string") throw unreadable("The record has no number.", "dynamodb", "SequenceNumber");
  const source: ChangeOrigin = isTimeToLive(userIdentity) ? { connector: "dynamodb", expired: true } : DYNAMODB;
  return changeOf(options, {
    op,
    at: Math.round(seconds * 1_000),
    source,
    position: SequenceNumber.padStart(DIGITS, "0"),
    keys: imageOf(Keys, "Keys"),
    before: imageOf(OldImage, "OldImage"),
    after: op === "delete" ? undefined : imageOf(NewImage, "NewImage"),
    fields: { before: "OldImage", after: "NewImage" },
    unavailable: [],
    advice: "The table's stream must have the view type NEW_AND_OLD_IMAGES.",
  });
}

const DYNAMODB: ChangeOrigin = { connector: "dynamodb" };

/** DynamoDB deletes as itself what has expired (DynamoDB: "DynamoDB Streams and Time to Live"). */
const isTimeToLive = (identity: unknown): boolean =>
  isObject(identity) && identity["type"] === "Service" && identity["principalId"] === "dynamodb.amazonaws.com";

function imageOf(image: unknown, field: string): Record<string, unknown> | undefined {
  if (image === undefined || image === null) return undefined;
  if (!isObject(image) || !Object.values(image).every(isObject)) throw unreadable("The image is none.", field);
  return plainItem(image as Item);
}
