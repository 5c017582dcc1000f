import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import type { Address } from "../../plan/bindings.ts";
import { InterruptedDelivery, type Delivery, type SinkWriter } from "../../runtime/sink-writer.ts";
import { deliverInBatches, TAKEN, type Entry } from "../batched-delivery.ts";
import { decodeCopy } from "../replication/copy-body.ts";
import { PositionLog, type CopiedDelivery, type Noting } from "../replication/position-log.ts";
import { PositionTable } from "../replication/positions.ts";
import { fieldOf, type Services } from "../services.ts";
import type { MakeWriter } from "../sink-connectors.ts";
import type { StreamCopyDeclaration } from "./declare.ts";
import { packsOf, type CopyPack } from "./packs.ts";

/** Limits of one PutRecords request (AWS: Kinesis API reference). */
const MAX_RECORDS = 500;
const MAX_BYTES = 5 * 1_024 * 1_024;

/** So many copies are packed and sent at a time: it bounds what is repeated after an interruption. */
const WINDOW = 1_000;

/**
 * Delivers copies to a Kinesis stream. Its address has `streamArn` and `positions`, the table's name; `region`,
 * `kinesisEndpoint` and `dynamodbEndpoint` where these are not the function's.
 */
export const streamCopyWriter: MakeWriter = (sink, address, services) =>
  new StreamCopyWriter(sink as StreamCopyDeclaration, address, services);

/** The log of a copy's positions, as its address says where that is. */
export const positionLogOf = (
  sink: string,
  address: Address,
  { aws, now }: Services,
  ends?: () => Promise<ReadonlyMap<string, string>>,
): PositionLog => {
  const region = address["positionsRegion"];
  const client = aws.of(DynamoDBClient, { region, endpoint: address["dynamodbEndpoint"] });
  const table = new PositionTable({ client, table: fieldOf(address, "positions", `The copy "${sink}"`) });
  return new PositionLog({ table, sink, now, ...(ends && { ends }) });
};

class StreamCopyWriter implements SinkWriter {
  readonly #sink: StreamCopyDeclaration;
  readonly #streamArn: string;
  readonly #client: KinesisClient;
  readonly #services: Services;
  readonly #log: PositionLog;

  constructor(sink: StreamCopyDeclaration, address: Address, services: Services) {
    this.#sink = sink;
    this.#streamArn = fieldOf(address, "streamArn", `The copy "${sink.name}"`);
    const elsewhere = { region: address["region"], endpoint: address["kinesisEndpoint"] };
    this.#client = services.aws.of(KinesisClient, elsewhere);
    this.#services = services;
    this.#log = positionLogOf(sink.name, address, services);
  }

  /** @throws an {@link InterruptedDelivery} saying how many were taken */
  async deliver(deliveries: readonly Delivery[]): Promise<readonly []> {
    if (deliveries.length === 0) return [];
    const copies = deliveries.map((delivery) => ({ delivery, copied: decodeCopy(delivery.body) }));
    const noting = await this.#log.begin(copies);
    for (let from = 0; from < copies.length; from += WINDOW) {
      await this.#send(copies.slice(from, from + WINDOW), from, noting);
    }
    try {
      await noting.end();
    } catch (cause) {
      // The next attempt must come here again: without its line the commit is not delivered.
      throw new InterruptedDelivery(copies.length - 1, cause);
    }
    return [];
  }

  async #send(copies: readonly CopiedDelivery[], before: number, noting: Noting): Promise<void> {
    const taken = copies.map(() => false);
    const packs = packsOf(
      copies.map(({ copied }) => copied),
      this.#sink.oneWay,
    );
    const entries = packs.map((pack): Entry<CopyPack> => ({
      delivery: copies[pack.members[0]!]!.delivery,
      content: pack,
      bytes: pack.data.length + Buffer.byteLength(pack.partitionKey),
      ...(pack.isOrdered && { lane: pack.partitionKey }),
    }));
    try {
      await deliverInBatches(entries, {
        what: `Stream ${this.#streamArn}`,
        code: "kinesis/put",
        maxEntries: MAX_RECORDS,
        maxBytes: MAX_BYTES,
        wait: this.#services.wait,
        send: async (batch) => {
          const Records = batch.map(({ content }) => ({ PartitionKey: content.partitionKey, Data: content.data }));
          const answer = await this.#client.send(new PutRecordsCommand({ StreamARN: this.#streamArn, Records }));
          const at = this.#services.now();
          return batch.map(({ content }, i) => {
            const {
              ErrorCode: code,
              ErrorMessage: why = "",
              ShardId: shard,
              SequenceNumber,
            } = answer.Records?.[i] ?? {};
            if ((code ?? undefined) !== undefined || shard === undefined)
              return { kind: "left", why: `${code ?? "no answer"}: ${why}` };
            for (const member of content.members) taken[member] = true;
            if (SequenceNumber !== undefined) noting.reached(shard, SequenceNumber, at);
            return TAKEN;
          });
        },
      });
    } catch (thrown) {
      const cause = thrown instanceof InterruptedDelivery ? thrown.cause : thrown;
      const first = taken.indexOf(false);
      throw new InterruptedDelivery(before + (first < 0 ? copies.length : first), cause);
    }
  }
}
