import type { Clock } from "../clock.ts";
import { LocalStackError } from "../errors.ts";
import type { Faults } from "../faults.ts";
import type { FirehoseService, PutInput } from "../firehose/firehose-service.ts";
import { jsonAnswer, targetOperation, type GatewayAnswer } from "./exchange.ts";
import type { ServiceFace } from "./service-gateway.ts";
import { partlyFailing, throughSinkFaults } from "./sink-faults.ts";

const contentType = "application/x-amz-json-1.1";

interface BatchOutput {
  readonly FailedPutCount: number;
  readonly Encrypted: boolean;
  readonly RequestResponses: readonly unknown[];
}

export function firehoseFace(service: () => FirehoseService, faults: Faults, clock: Clock): ServiceFace {
  return {
    operationOf: targetOperation,
    handle: async (request, operation, caller) => {
      const carryOut = async (): Promise<GatewayAnswer> => {
        try {
          const input = JSON.parse(request.body.toString("utf8")) as PutInput;
          const partly = caller === "function" && operation === "PutRecordBatch";
          const output = partly ? putPartly(service(), input, faults) : service().call(operation, input);
          return jsonAnswer(200, output, contentType);
        } catch (error) {
          if (error instanceof LocalStackError)
            return jsonAnswer(400, { __type: error.code, message: error.message }, contentType);
          if (error instanceof SyntaxError) return jsonAnswer(400, { __type: "SerializationException" }, contentType);
          throw error;
        }
      };
      if (caller === "user") return carryOut();
      if (faults.deliveryStreams === "slow") await clock.sleep(SLOW_MILLIS);
      if (faults.deliveryStreams === "down") return failure(503);
      return throughSinkFaults(faults, clock, operation.startsWith("Put"), failure, carryOut);
    },
  };
}

/** What a request takes more where delivery streams are slow. */
const SLOW_MILLIS = 1_000;

/** Carries out a batch without the records that fail, and reports those in their places. */
function putPartly(service: FirehoseService, input: PutInput, faults: Faults): unknown {
  const records = input.Records ?? [];
  const failing = partlyFailing(faults, records.length);
  if (failing.size === 0) return service.call("PutRecordBatch", input);
  const kept = { ...input, Records: records.filter((_record, index) => !failing.has(index)) };
  const output = service.call("PutRecordBatch", kept) as unknown as BatchOutput;
  const accepted = output.RequestResponses.values();
  const RequestResponses = records.map((_record, index) =>
    failing.has(index)
      ? { ErrorCode: "ServiceUnavailableException", ErrorMessage: "Slow down." }
      : accepted.next().value,
  );
  return { ...output, FailedPutCount: failing.size, RequestResponses };
}

function failure(status: 500 | 503): GatewayAnswer {
  const __type = status === 503 ? "ServiceUnavailableException" : "InternalFailure";
  return jsonAnswer(status, { __type, message: "Slow down." }, contentType);
}
