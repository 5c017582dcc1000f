import type { GatewayAnswer, GatewayRequest } from "./exchange.ts";
import type { Forward } from "./service-gateway.ts";

/** A request of GetShardIterator, as far as it is looked at. */
interface IteratorRequest {
  readonly StreamName: string;
  readonly ShardId: string;
  readonly ShardIteratorType: string;
  /** Epoch seconds. */
  readonly Timestamp?: number;
}

interface Records {
  readonly Records: readonly { readonly SequenceNumber: string; readonly ApproximateArrivalTimestamp: number }[];
  readonly NextShardIterator?: string | null;
}

/**
 * GetShardIterator. The emulator answers one at a time with an iterator that it then refuses: here the first record of that
 * time is looked for, and where there is none the shard's end is meant.
 */
export async function shardIterator(request: GatewayRequest, forward: Forward): Promise<GatewayAnswer> {
  const { Timestamp, ...asked } = JSON.parse(request.body.toString("utf8")) as IteratorRequest;
  if (asked.ShardIteratorType !== "AT_TIMESTAMP") return forward(request);
  const ask = (operation: string, input: object) =>
    forward({
      ...request,
      headers: { ...request.headers, "x-amz-target": `Kinesis_20131202.${operation}` },
      body: Buffer.from(JSON.stringify(input)),
    });
  const begin = await ask("GetShardIterator", { ...asked, ShardIteratorType: "TRIM_HORIZON" });
  if (begin.status !== 200) return begin;
  let next = (JSON.parse(begin.body.toString("utf8")) as { readonly ShardIterator?: string | null }).ShardIterator;
  while (next !== undefined && next !== null) {
    const answer = await ask("GetRecords", { ShardIterator: next });
    if (answer.status !== 200) return answer;
    const read = JSON.parse(answer.body.toString("utf8")) as Records;
    const first = read.Records.find((record) => record.ApproximateArrivalTimestamp >= (Timestamp ?? 0));
    if (first !== undefined) {
      const StartingSequenceNumber = first.SequenceNumber;
      return ask("GetShardIterator", { ...asked, ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber });
    }
    if (read.Records.length === 0) break;
    next = read.NextShardIterator;
  }
  return ask("GetShardIterator", { ...asked, ShardIteratorType: "LATEST" });
}
