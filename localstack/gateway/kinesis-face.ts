import type { Faults } from "../faults.ts";
import { targetOperation, type Caller, type GatewayAnswer, type GatewayRequest, type Outcome } from "./exchange.ts";
import { shardIterator } from "./iterator-at-time.ts";
import { FunctionPuts } from "./put-records.ts";
import type { Forward, ServiceFace } from "./service-gateway.ts";

/** Told of every record that a stream took. */
export type PutListener = (stream: string, shardId: string, count: number) => void;

/**
 * Kinesis with its puts noticed: pollers wake at once, and `lag` knows what there is to read. What functions put meets
 * the plan's faults.
 */
export class KinesisFace implements ServiceFace {
  readonly operationOf = targetOperation;
  private readonly forward: Forward;
  private readonly functionPuts: FunctionPuts;
  private readonly onPut: PutListener;
  private readonly onReshard: (stream: string) => void;

  constructor(forward: Forward, faults: Faults, onPut: PutListener, onReshard: (stream: string) => void) {
    this.forward = forward;
    this.functionPuts = new FunctionPuts(forward, faults);
    this.onPut = onPut;
    this.onReshard = onReshard;
  }

  /** PUT payload units of what functions put. */
  get functionPutUnits(): number {
    return this.functionPuts.units;
  }

  async handle(incoming: GatewayRequest, operation: string, caller: Caller): Promise<Outcome> {
    const request = withStreamName(incoming);
    const notice = (answer: GatewayAnswer) => this.notice(request, operation, answer);
    if (caller === "function" && operation === "PutRecords") return this.functionPuts.handle(request, notice);
    const isIterator = operation === "GetShardIterator";
    const answer = await (isIterator ? shardIterator(request, this.forward) : this.forward(request));
    if (answer.status === 200) notice(answer);
    return answer;
  }

  private notice(request: GatewayRequest, operation: string, { body }: GatewayAnswer): void {
    if (operation === "PutRecords") {
      const stream = streamOf(request);
      for (const [shardId, count] of shardCounts(body)) this.onPut(stream, shardId, count);
    } else if (operation === "PutRecord") {
      const { ShardId } = JSON.parse(body.toString("utf8")) as { readonly ShardId: string };
      this.onPut(streamOf(request), ShardId, 1);
    } else if (operation === "SplitShard" || operation === "MergeShards") {
      this.onReshard(streamOf(request));
    }
  }
}

const streamName = '"StreamName":"';
const streamArn = '"StreamARN":"';

/** The emulator knows streams by their names only. */
function withStreamName(request: GatewayRequest): GatewayRequest {
  if (request.body.includes(streamName)) return request;
  const at = request.body.indexOf(streamArn);
  if (at < 0) return request;
  const end = request.body.indexOf('"', at + streamArn.length);
  const name = request.body.toString("utf8", at + streamArn.length, end).split("stream/")[1] ?? "";
  const body = Buffer.concat([
    request.body.subarray(0, at),
    Buffer.from(streamName + name),
    request.body.subarray(end),
  ]);
  return { ...request, body };
}

/**
 * The stream's name, found without parsing megabytes of records: an unescaped quote ends a JSON string, so these
 * bytes cannot occur within a partition key.
 */
function streamOf(request: GatewayRequest): string {
  const at = request.body.indexOf(streamName);
  if (at < 0) return (JSON.parse(request.body.toString("utf8")) as { readonly StreamName?: string }).StreamName ?? "";
  const start = at + streamName.length;
  return request.body.toString("utf8", start, request.body.indexOf('"', start));
}

function shardCounts(body: Buffer): ReadonlyMap<string, number> {
  const { Records } = JSON.parse(body.toString("utf8")) as {
    readonly Records: readonly { readonly ShardId?: string }[];
  };
  const counts = new Map<string, number>();
  for (const { ShardId } of Records) {
    if (ShardId !== undefined) counts.set(ShardId, (counts.get(ShardId) ?? 0) + 1);
  }
  return counts;
}
