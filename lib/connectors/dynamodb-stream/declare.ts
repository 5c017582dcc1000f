import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Change } from "../../formats/change/change.ts";
import { checkOptions, schemaOf, type BeforeOf, type ChangeOptions } from "../../formats/change/row-schema.ts";
import { declareSource, type Source, type SourceDeclaration, type SourceOptions } from "../../pipeline/source.ts";
import type { Instant } from "../../time/instant.ts";
import { changeOfRecord } from "./change-of-record.ts";

/** What makes a source the stream of a DynamoDB table. */
export const DYNAMODB_STREAM = "dynamodb-stream";

type ChangeOf<R extends StandardSchemaV1, K extends StandardSchemaV1, B> = Change<
  StandardSchemaV1.InferOutput<R>,
  StandardSchemaV1.InferOutput<K>,
  BeforeOf<R, B>
>;

export interface DynamoStreamOptions<R extends StandardSchemaV1, K extends StandardSchemaV1, B extends "row" | "none">
  extends
    ChangeOptions<R, K, B>,
    Omit<SourceOptions<StandardSchemaV1<unknown, ChangeOf<R, K, B>>, {}>, "schema" | "key" | "eventTime"> {
  /** When it happened: epoch milliseconds or a Date. @default the change's `at`, which DynamoDB tells in whole seconds */
  readonly eventTime?: (change: ChangeOf<R, K, B>) => Instant;
}

/** An attribute as DynamoDB's JSON has it: `{ S: "text" }`, `{ N: "1.5" }`. */
export type DynamoAttribute = Readonly<Record<string, unknown>>;
export type DynamoImage = Readonly<Record<string, DynamoAttribute>>;

/** A stream's record, as far as it is read. */
export interface DynamoStreamRecord {
  readonly eventName: "INSERT" | "MODIFY" | "REMOVE";
  readonly dynamodb: {
    /** Epoch seconds. */
    readonly ApproximateCreationDateTime: number;
    readonly SequenceNumber: string;
    readonly Keys: DynamoImage;
    readonly NewImage?: DynamoImage;
    readonly OldImage?: DynamoImage;
  };
  /** Of the service that did it, where it was one: time to live. */
  readonly userIdentity?: { readonly type: string; readonly principalId: string };
}

/** What the construct needs to know of it. */
export interface DynamoStreamDeclaration extends SourceDeclaration {
  /** Whether old images are needed beside new ones. */
  readonly hasOldImages: boolean;
}

/**
 * The stream of a DynamoDB table: a {@link Change} for each item that was inserted, updated or deleted. Items are plain:
 * numbers beyond 2^53 are bigints, sets are arrays, binaries base64.
 *
 * Shards of such a stream have no ranges of keys: use `keyBy`.
 *
 * @example
 * const orders = dynamoStream("orders", {
 *   row: z.object({ id: z.string(), cents: z.number() }),
 *   key: z.object({ id: z.string() }),
 *   before: "row",
 *   disorder: { seconds: 2 },
 * });
 * pipeline("spending", (flow) => {
 *   flow
 *     .from(orders)
 *     .keyBy("by-id", { id: (change) => change.key.id })
 *     .window("hourly", tumbling({ hours: 1 }))
 *     .aggregate({ changes: count() })
 *     .to(lake("changes", { id: text, windowStart: timestamp, windowEnd: timestamp, changes: bigint }));
 * });
 *
 * @param name the source's name, by which the construct is told of the table: `tableStreams: { orders: { table } }`
 * @throws definition errors for settings that cannot be, naming them
 */
export function dynamoStream<R extends StandardSchemaV1, K extends StandardSchemaV1, B extends "row" | "none" = "none">(
  name: string,
  options: DynamoStreamOptions<R, K, B>,
): Source<ChangeOf<R, K, B>, never, DynamoStreamRecord> {
  const { row, key, before = "none", eventTime, ...rest } = options;
  checkOptions(`${DYNAMODB_STREAM}("${name}")`, { row, key, before });
  const schema = schemaOf<unknown, ChangeOf<R, K, B>>(
    (record) => changeOfRecord(record, { row, key, before }) as never,
  );
  const declared = declareSource<typeof schema, {}>(DYNAMODB_STREAM, name, {
    ...rest,
    schema,
    eventTime: eventTime ?? (({ at }) => at),
  });
  const declaration: DynamoStreamDeclaration = { ...declared, hasOldImages: before === "row" };
  return declaration;
}
