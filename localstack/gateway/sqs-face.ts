import type { Clock } from "../clock.ts";
import { LocalStackError } from "../errors.ts";
import type { Faults } from "../faults.ts";
import type { MessageMoves, MoveInput } from "../storage/message-moves.ts";
import { account } from "../template/account.ts";
import {
  jsonAnswer,
  targetOperation,
  withBody,
  type Caller,
  type GatewayAnswer,
  type GatewayRequest,
} from "./exchange.ts";
import type { Forward, ServiceFace } from "./service-gateway.ts";
import { partlyFailing, throughSinkFaults } from "./sink-faults.ts";

const contentType = "application/x-amz-json-1.0";

/** Operations whose answers hold queue URLs. */
const urlOperations: ReadonlySet<string> = new Set([
  "CreateQueue",
  "GetQueueUrl",
  "ListQueues",
  "ListDeadLetterSourceQueues",
]);

const writes: ReadonlySet<string> = new Set(["SendMessage", "SendMessageBatch"]);

/**
 * SQS clients go where the queue's URL says, so each caller's URLs name its own port; `emulatorOrigin` is the one
 * that the emulator knows its queues by.
 */
export function sqsFace(
  forward: Forward,
  faults: Faults,
  clock: Clock,
  origins: Readonly<Record<Caller, string>>,
  emulatorOrigin: string,
  moves: MessageMoves,
): ServiceFace {
  const queueUrl = new RegExp(`("QueueUrl"\\s*:\\s*")https?://[^/"]+/${account.id}/`);
  return {
    operationOf: targetOperation,
    handle: async (request, operation, caller) => {
      const toEmulator = (text: string) => text.replace(queueUrl, `$1${emulatorOrigin}/${account.id}/`);
      const carryOut = async (sent: GatewayRequest): Promise<GatewayAnswer> => {
        const answer = await forward({ ...sent, body: Buffer.from(toEmulator(sent.body.toString("utf8"))) });
        if (!urlOperations.has(operation)) return answer;
        return withBody(answer, Buffer.from(answer.body.toString("utf8").replaceAll(emulatorOrigin, origins[caller])));
      };
      if (operation.endsWith("MessageMoveTask") || operation.endsWith("MessageMoveTasks"))
        return moving(moves, operation, request);
      if (caller === "user") return carryOut(request);
      return throughSinkFaults(faults, clock, writes.has(operation), failure, () =>
        operation === "SendMessageBatch" ? sendPartly(request, faults, carryOut) : carryOut(request),
      );
    },
  };
}

/** What fauxqs has not. */
async function moving(moves: MessageMoves, operation: string, { body }: GatewayRequest): Promise<GatewayAnswer> {
  try {
    const input = JSON.parse(body.toString("utf8")) as MoveInput;
    if (operation === "StartMessageMoveTask") return jsonAnswer(200, await moves.start(input), contentType);
    if (operation === "ListMessageMoveTasks") return jsonAnswer(200, moves.list(input), contentType);
    throw new LocalStackError("UnsupportedOperation", `The local stack's SQS has no ${operation}: tasks end at once.`);
  } catch (error) {
    if (!(error instanceof LocalStackError)) throw error;
    return jsonAnswer(400, { __type: `com.amazonaws.sqs#${error.code}`, message: error.message }, contentType);
  }
}

interface BatchAnswer {
  readonly Failed?: readonly unknown[];
  readonly [key: string]: unknown;
}

/** Sends a batch without the entries that fail, and reports those as SQS would. */
async function sendPartly(request: GatewayRequest, faults: Faults, carryOut: Forward): Promise<GatewayAnswer> {
  const input = JSON.parse(request.body.toString("utf8")) as { readonly Entries?: readonly { readonly Id: string }[] };
  const entries = input.Entries ?? [];
  const failing = partlyFailing(faults, entries.length);
  if (failing.size === 0) return carryOut(request);
  const sent = { ...input, Entries: entries.filter((_entry, index) => !failing.has(index)) };
  const answer = await carryOut({ ...request, body: Buffer.from(JSON.stringify(sent)) });
  if (answer.status !== 200) return answer;
  const output = JSON.parse(answer.body.toString("utf8")) as BatchAnswer;
  const failed = [...failing].map((index) => ({
    Id: entries[index]?.Id,
    SenderFault: false,
    Code: "InternalError",
    Message: "We encountered an internal error. Please try again.",
  }));
  return withBody(answer, Buffer.from(JSON.stringify({ ...output, Failed: [...(output.Failed ?? []), ...failed] })));
}

function failure(status: 500 | 503): GatewayAnswer {
  const code = status === 503 ? "ServiceUnavailable" : "InternalFailure";
  return jsonAnswer(
    status,
    { __type: `com.amazonaws.sqs#${code}`, message: "The request could not be processed." },
    contentType,
  );
}
