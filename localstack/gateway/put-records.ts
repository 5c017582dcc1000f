import type { Faults } from "../faults.ts";
import { jsonAnswer, withBody, type GatewayAnswer, type GatewayRequest, type Outcome } from "./exchange.ts";
import type { Forward } from "./service-gateway.ts";

const contentType = "application/x-amz-json-1.1";

/** Kinesis bills a record by started units of 25 KB (pricing page: "PUT Payload Unit"). */
const PUT_UNIT = 25 * 1_024;

interface Entry {
  readonly PartitionKey: string;
  /** In base64. */
  readonly Data: string;
}

interface Answered {
  readonly FailedRecordCount?: number;
  readonly Records: readonly unknown[];
  readonly [key: string]: unknown;
}

/** A function's PutRecords: what it would be billed, and the faults of the plan. */
export class FunctionPuts {
  units = 0;
  private readonly forward: Forward;
  private readonly faults: Faults;

  constructor(forward: Forward, faults: Faults) {
    this.forward = forward;
    this.faults = faults;
  }

  /** @param onTaken told of the emulator's answer, also when the caller is told something else */
  async handle(request: GatewayRequest, onTaken: (answer: GatewayAnswer) => void): Promise<Outcome> {
    const input = JSON.parse(request.body.toString("utf8")) as { readonly Records?: readonly Entry[] };
    const entries = input.Records ?? [];
    const refused = this.refused(entries.length);
    if (refused.size > 0 && refused.size === entries.length) return throttledAnswer();
    const accepted = entries.filter((_entry, index) => !refused.has(index));
    const sent =
      refused.size === 0 ? request : { ...request, body: Buffer.from(JSON.stringify({ ...input, Records: accepted })) };
    const answer = await this.forward(sent);
    if (answer.status !== 200) return answer;
    this.units += accepted.reduce((sum, { Data }) => sum + Math.ceil((Data.length * 0.75) / PUT_UNIT), 0);
    onTaken(answer);
    if (this.faults.strikes("loseStreamAnswer")) {
      this.faults.injectedOne("loseStreamAnswer");
      return "cut";
    }
    return refused.size === 0 ? answer : withRefused(answer, entries.length, refused);
  }

  /** Which of so many records are refused: mostly none, else some, or all. */
  private refused(count: number): ReadonlySet<number> {
    const refused = new Set<number>();
    if (count === 0 || !this.faults.strikes("throttleStream")) return refused;
    this.faults.injectedOne("throttleStream");
    const share = 2 * this.faults.fraction("throttleStream");
    for (let index = 0; index < count; index++) {
      if (this.faults.fraction("throttleStream") < share) refused.add(index);
    }
    if (refused.size === 0) refused.add(Math.floor(this.faults.fraction("throttleStream") * count));
    return refused;
  }
}

const code = "ProvisionedThroughputExceededException";
const message = "Rate exceeded for shard shardId-000000000000 in stream under account 000000000000.";

/** The answer with a refusal at the place of each record that was not sent on. */
function withRefused(answer: GatewayAnswer, count: number, refused: ReadonlySet<number>): GatewayAnswer {
  const output = JSON.parse(answer.body.toString("utf8")) as Answered;
  const taken = output.Records.values();
  const Records = Array.from({ length: count }, (_, index) =>
    refused.has(index) ? { ErrorCode: code, ErrorMessage: message } : taken.next().value,
  );
  const FailedRecordCount = (output.FailedRecordCount ?? 0) + refused.size;
  return withBody(answer, Buffer.from(JSON.stringify({ ...output, FailedRecordCount, Records })));
}

const throttledAnswer = (): GatewayAnswer => jsonAnswer(400, { __type: code, message }, contentType);
