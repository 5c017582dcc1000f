import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { definitionError } from "../../errors.ts";
import { taskName } from "../../state/task-id.ts";
import { comparePlaces, lineKey, PositionTable, type Line, type Reached } from "./positions.ts";

/** Clocks of functions and of Kinesis are within that of each other. */
const SKEW_MILLIS = 60_000;

/** Which copy is asked about. */
export interface CopyPositionsSettings {
  /** Of the region that the table is in. */
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Names, as the replication's pipeline has them. */
  readonly pipeline: string;
  readonly source: string;
  readonly sink: string;
  /** As deployed. @default 0 */
  readonly generation?: number;
  /** Of the source, as deployed. @default 0 */
  readonly incarnation?: number;
}

/** Where a reader of the copy begins, so that it misses nothing. */
export interface CopyStart {
  /**
   * Epoch milliseconds: no copy of what was not read yet came before. Undefined where that is not known: begin at the copy's
   * beginning.
   */
  readonly timestamp: number | undefined;
  /**
   * By partition of the copy: the last sequence number or offset that need not be read, −1 where all is. Of partitions that are
   * not here nothing is known but the timestamp.
   */
  readonly after: Readonly<Record<string, string>>;
}

/** Translates places in a source to places in its copy. */
export interface CopyPositionsClient {
  /**
   * @param read by partition of the source: the sequence number, or offset, of the last record that was read. Every partition
   *   that has records which matter; of one that was not begun an empty text
   * @throws definition error `replication/position` for what is neither
   */
  translate(read: Readonly<Record<string, string>>): Promise<CopyStart>;
}

const PLACE = /^(?:|0|[1-9]\d{0,128})$/;

/**
 * Reads the table of positions of a copy.
 *
 * @example
 * async function begin(client: DynamoDBClient) {
 *   const positions = copyPositions({
 *     client,
 *     tableName: "orders-positions",
 *     pipeline: "orders-to-dublin",
 *     source: "orders",
 *     sink: "orders_copy",
 *   });
 *   return positions.translate({ "shardId-000000000000": "49590338271490256608559692538361571095921575989136588898" });
 * }
 */
export function copyPositions(settings: CopyPositionsSettings): CopyPositionsClient {
  const { client, tableName, pipeline, source, sink, generation = 0, incarnation = 0 } = settings;
  const table = new PositionTable({ client, table: tableName });
  return {
    async translate(read) {
      const lines = await Promise.all(
        Object.entries(read).map(async ([partition, place]) => {
          if (!PLACE.test(place)) throw noPlace(partition, place);
          // A stage has the name of the source that it reads.
          const task = taskName({ pipeline, generation, stage: source, source, incarnation, partition });
          return place === "" ? undefined : table.last(lineKey(task, sink), place);
        }),
      );
      return startOf(lines);
    },
  };
}

/** Where to begin by the lines of all partitions; of one that has none nothing is known. */
export function startOf(lines: readonly (Line | undefined)[]): CopyStart {
  const known = lines.filter((line) => line !== undefined);
  if (known.length === 0 || known.length < lines.length) return { timestamp: undefined, after: {} };
  const partitions = new Set(known.flatMap(({ reached }) => [...reached.keys()]));
  const after: Record<string, string> = {};
  for (const partition of partitions) {
    const there = known.flatMap(({ reached }) => reached.get(partition) ?? []);
    const least = there.reduce((a: Reached, b) => (comparePlaces(a.position, b.position) <= 0 ? a : b));
    // Those that had not reached it may have since: not before their own time.
    const others = known.filter(({ reached }) => !reached.has(partition)).map(({ at }) => at);
    if (others.every((at) => least.at + SKEW_MILLIS <= at)) after[partition] = least.position;
  }
  return { timestamp: Math.min(...known.map(({ at }) => at)) - SKEW_MILLIS, after };
}

const noPlace = (partition: string, place: string) =>
  definitionError({
    code: "replication/position",
    message: `${partition} cannot have been read up to ${JSON.stringify(place)}.`,
    advice: "Give sequence numbers or offsets as decimal texts.",
  });
