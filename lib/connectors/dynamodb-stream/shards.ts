import {
  DescribeStreamCommand,
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type DescribeStreamCommandOutput,
  type DynamoDBStreamsClient,
  type GetShardIteratorCommandInput,
  type Shard,
} from "@aws-sdk/client-dynamodb-streams";
import { infrastructureError, messageOf } from "../../errors.ts";
import type { SourcePartitions } from "../../runtime/source-partitions.ts";
import { WHOLE_RANGE } from "../../state/hash-range.ts";
import type { Partition } from "../../state/partition.ts";
import { compareSequences } from "../../state/position.ts";

/**
 * Empty answers in a row after which an open shard counts as read to its tip. DynamoDB tells no distance to it, and may answer
 * empty before it; a closed shard says where it ends.
 */
const EMPTY_READS = 5;

/** Between two reads, so that they do not take from Lambda's own. */
const PAUSE_MILLIS = 200;

/** A closed shard ends by itself; this bounds what else it may do. */
const MAX_READS = 50;

/** Answers to a question about a shard that say: what was asked for is not in it. */
const NOT_THERE: ReadonlySet<string> = new Set([
  "ResourceNotFoundException",
  "TrimmedDataAccessException",
  "ValidationException",
]);

export interface DynamoStreamSettings {
  readonly client: DynamoDBStreamsClient;
  readonly streamArn: string;
  readonly wait: (millis: number) => Promise<void>;
}

/** The shards of a table's stream. None has a range of keys: what belongs to no key goes to one heir of each. */
export class DynamoStreamShards implements SourcePartitions {
  readonly #settings: DynamoStreamSettings;
  /** As they were listed last. */
  #known: readonly Shard[] = [];
  /** Those that batches came from, the latest first. */
  #recent: readonly string[] = [];

  constructor(settings: DynamoStreamSettings) {
    this.#settings = settings;
  }

  /** @throws infrastructure error `dynamodb-stream/shards` */
  async list(): Promise<readonly Partition[]> {
    const shards = await this.#describe();
    return shards.map(({ ShardId, ParentShardId }) => ({
      id: ShardId!,
      parents: ParentShardId === undefined || ParentShardId === null ? [] : [ParentShardId],
      range: WHOLE_RANGE,
    }));
  }

  /** @throws infrastructure errors `dynamodb-stream/tip`, `dynamodb-stream/shards` */
  async isAtTip(shard: string, sequence: string): Promise<boolean> {
    const listed = (await this.#describe()).find(({ ShardId }) => ShardId === shard);
    const end = listed?.SequenceNumberRange?.EndingSequenceNumber ?? undefined;
    if (end !== undefined && sequence !== "" && compareSequences(sequence, end) >= 0) return true;
    try {
      const { client, wait } = this.#settings;
      let iterator = await this.#after(shard, sequence);
      for (let read = 1; read <= (end === undefined ? EMPTY_READS : MAX_READS); read++) {
        const answer = await client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: 1 }));
        if ((answer.Records?.length ?? 0) > 0) return false;
        if (answer.NextShardIterator === undefined || answer.NextShardIterator === null) return true;
        iterator = answer.NextShardIterator;
        await wait(PAUSE_MILLIS);
      }
      return end === undefined;
    } catch (cause) {
      throw this.#failed("tip", `could not be read in shard ${shard}`, cause);
    }
  }

  /**
   * The shard that holds a record. A batch does not say which it is of, and the ranges of sequence numbers overlap, so shards
   * are asked for the record itself, those first that batches came from: one question, as a rule.
   *
   * @param id the record's, which is globally unique
   * @throws infrastructure errors `dynamodb-stream/shard` when none has it, `dynamodb-stream/shards`
   */
  async shardOf(sequence: string, id: string): Promise<string> {
    const asked = new Set<string>();
    const ask = async (shards: readonly Shard[]): Promise<string | undefined> => {
      const rank = ({ ShardId }: Shard) => {
        const at = this.#recent.indexOf(ShardId!);
        return at < 0 ? Number.POSITIVE_INFINITY : at;
      };
      // The newest shards come last in the list: of those that none came from yet, they are the likeliest.
      const ranked = shards.toReversed().toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
      for (const shard of ranked) {
        const name = shard.ShardId!;
        if (asked.has(name) || !mayHold(shard, sequence)) continue;
        asked.add(name);
        if (await this.#holds(name, sequence, id)) {
          this.#recent = [name, ...this.#recent.filter((other) => other !== name)].slice(0, MAX_RECENT);
          return name;
        }
      }
      return undefined;
    };
    const found = (await ask(this.#known)) ?? (await ask(await this.#describe()));
    if (found !== undefined) return found;
    throw infrastructureError({
      code: "dynamodb-stream/shard",
      message: `No shard of ${this.#settings.streamArn} holds the record ${sequence} of the event.`,
      advice: "DynamoDB keeps records for 24 hours: one that is older is lost.",
    });
  }

  async #holds(shard: string, sequence: string, id: string): Promise<boolean> {
    try {
      const { client } = this.#settings;
      let iterator: string | undefined = await this.#iterator(shard, {
        ShardIteratorType: "AT_SEQUENCE_NUMBER",
        SequenceNumber: sequence,
      });
      for (let read = 1; read <= EMPTY_READS && iterator !== undefined; read++) {
        const answer: GetRecordsCommandOutput = await client.send(
          new GetRecordsCommand({ ShardIterator: iterator, Limit: 1 }),
        );
        const [record] = answer.Records ?? [];
        if (record !== undefined) return record.eventID === id;
        iterator = answer.NextShardIterator ?? undefined;
      }
      return false;
    } catch (cause) {
      if (NOT_THERE.has((cause as { readonly name?: string }).name ?? "")) return false;
      throw this.#failed("shard", `could not be read in shard ${shard}`, cause);
    }
  }

  /** @param sequence empty for a task that has folded nothing; of a record that is trimmed, all that is left comes after it */
  async #after(shard: string, sequence: string): Promise<string> {
    if (sequence === "") return this.#iterator(shard, { ShardIteratorType: "TRIM_HORIZON" });
    try {
      return await this.#iterator(shard, { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", SequenceNumber: sequence });
    } catch (cause) {
      if ((cause as { readonly name?: string }).name !== "TrimmedDataAccessException") throw cause;
      return this.#iterator(shard, { ShardIteratorType: "TRIM_HORIZON" });
    }
  }

  async #iterator(shard: string, at: Pick<GetShardIteratorCommandInput, "ShardIteratorType" | "SequenceNumber">) {
    const { client, streamArn } = this.#settings;
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({ StreamArn: streamArn, ShardId: shard, ...at }),
    );
    return ShardIterator!;
  }

  async #describe(): Promise<readonly Shard[]> {
    const { client, streamArn } = this.#settings;
    const shards: Shard[] = [];
    try {
      for (let after: string | undefined; ;) {
        const answer: DescribeStreamCommandOutput = await client.send(
          new DescribeStreamCommand({
            StreamArn: streamArn,
            ...(after !== undefined && { ExclusiveStartShardId: after }),
          }),
        );
        shards.push(...(answer.StreamDescription?.Shards ?? []));
        after = answer.StreamDescription?.LastEvaluatedShardId ?? undefined;
        if (after === undefined) break;
      }
    } catch (cause) {
      throw this.#failed("shards", "could not list its shards", cause);
    }
    this.#known = shards;
    return shards;
  }

  #failed(what: "shards" | "shard" | "tip", how: string, cause: unknown) {
    return infrastructureError({
      code: `dynamodb-stream/${what}`,
      message: `The stream ${this.#settings.streamArn} ${how}: ${messageOf(cause)}`,
      cause,
    });
  }
}

/** Shards of one table that batches of one process come from, at most. */
const MAX_RECENT = 100;

function mayHold({ SequenceNumberRange: range }: Shard, sequence: string): boolean {
  const { StartingSequenceNumber: start, EndingSequenceNumber: end } = range ?? {};
  const isBefore = start !== undefined && start !== null && compareSequences(sequence, start.replace(/^0+/, "")) < 0;
  const isAfter = end !== undefined && end !== null && compareSequences(sequence, end.replace(/^0+/, "")) > 0;
  return !isBefore && !isAfter;
}
