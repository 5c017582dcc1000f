import { answerTableStream } from "../dynamodb/table-stream-face.ts";
import type { TableStreams } from "../dynamodb/table-streams.ts";
import type { Faults } from "../faults.ts";
import {
  jsonAnswer,
  targetOperation,
  withBody,
  type Caller,
  type GatewayAnswer,
  type GatewayRequest,
  type Outcome,
} from "./exchange.ts";
import { itemBytes } from "./item-size.ts";
import type { Forward, ServiceFace } from "./service-gateway.ts";

const contentType = "application/x-amz-json-1.0";

const writeOperations: ReadonlySet<string> = new Set([
  "PutItem",
  "UpdateItem",
  "DeleteItem",
  "BatchWriteItem",
  "TransactWriteItems",
]);
const readOperations: ReadonlySet<string> = new Set(["GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"]);

/** DynamoDB with its capacity units summed, its faults injected, and its tables' streams. */
export class DynamoDbFace implements ServiceFace {
  readonly operationOf = targetOperation;
  writeUnits = 0;
  readUnits = 0;
  private readonly forward: Forward;
  private readonly faults: Faults;
  private readonly streams: TableStreams;

  constructor(forward: Forward, faults: Faults, streams: TableStreams) {
    this.streams = streams;
    this.forward = forward;
    this.faults = faults;
  }

  async handle(request: GatewayRequest, operation: string, caller: Caller): Promise<Outcome> {
    if (String(request.headers["x-amz-target"]).startsWith("DynamoDBStreams_")) {
      return answerTableStream(this.streams, operation, request.body);
    }
    const isWrite = writeOperations.has(operation);
    const isData = isWrite || readOperations.has(operation);
    if (caller === "function" && isData && this.faults.strikes("throttleTable")) {
      this.faults.injectedOne("throttleTable");
      return throttled(this.faults.fraction("throttleTable") < 0.5);
    }
    const answer = await this.answer(request, operation, { isWrite, isData });
    if (caller === "function" && isWrite && answer.status === 200 && this.faults.strikes("loseTableAnswer")) {
      this.faults.injectedOne("loseTableAnswer");
      return "cut";
    }
    return answer;
  }

  private answer(request: GatewayRequest, operation: string, is: { isWrite: boolean; isData: boolean }) {
    if (!is.isData) return this.forward(request);
    const send = () => this.counted(request, is.isWrite);
    if (!is.isWrite || !this.streams.hasAny) return send();
    return this.streams.write(operation, JSON.parse(request.body.toString("utf8")), send);
  }

  /** Asks for the consumed capacity on every request, and hides it from callers who did not. */
  private async counted(request: GatewayRequest, isWrite: boolean): Promise<GatewayAnswer> {
    const text = request.body.toString("utf8");
    const asked = /"ReturnConsumedCapacity"\s*:\s*"(TOTAL|INDEXES)"/.test(text);
    const answer = await this.forward(asked ? request : { ...request, body: Buffer.from(withTotal(text)) });
    if (answer.status !== 200) {
      if (isWrite && answer.body.includes("ConditionalCheckFailedException")) this.countFailedCondition(text);
      return answer;
    }
    const output = JSON.parse(answer.body.toString("utf8")) as { ConsumedCapacity?: Capacity | readonly Capacity[] };
    const capacity = output.ConsumedCapacity;
    if (capacity === undefined) return answer;
    const units = [capacity].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
    if (isWrite) this.writeUnits += units;
    else this.readUnits += units;
    if (asked) return answer;
    delete output.ConsumedCapacity;
    return withBody(answer, Buffer.from(JSON.stringify(output)));
  }

  /** A put whose condition fails is billed like one that succeeds; for other writes the item's size is not known here. */
  private countFailedCondition(text: string): void {
    const input = JSON.parse(text) as { readonly Item?: unknown };
    this.writeUnits += Math.max(1, Math.ceil(itemBytes(input.Item ?? {}) / 1024));
  }
}

interface Capacity {
  readonly CapacityUnits?: number;
}

function withTotal(text: string): string {
  const none = text.replace(/"ReturnConsumedCapacity"\s*:\s*"NONE"\s*,?/, "").trimStart();
  const rest = none.slice(1).trimStart();
  return `{"ReturnConsumedCapacity":"TOTAL"${rest.startsWith("}") ? "" : ","}${rest}`;
}

function throttled(provisioned: boolean): GatewayAnswer {
  const __type = provisioned
    ? "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
    : "com.amazon.coral.availability#ThrottlingException";
  const message = "The level of configured provisioned throughput for the table was exceeded.";
  return jsonAnswer(400, { __type, message }, contentType);
}
