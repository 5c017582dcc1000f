import type { Clock } from "../clock.ts";
import type { Faults } from "../faults.ts";
import type { GatewayAnswer } from "./exchange.ts";
import type { Forward, ServiceFace } from "./service-gateway.ts";
import { throughSinkFaults } from "./sink-faults.ts";

/** SNS, whose requests are forms: one fails as a whole or not at all. */
export function snsFace(forward: Forward, faults: Faults, clock: Clock): ServiceFace {
  return {
    operationOf: ({ body }) => new URLSearchParams(body.toString("utf8")).get("Action") ?? "Unknown",
    handle: (request, operation, caller) => {
      if (caller === "user") return forward(request);
      return throughSinkFaults(faults, clock, operation.startsWith("Publish"), failure, () => forward(request));
    },
  };
}

const failure = (status: 500 | 503): GatewayAnswer => ({
  status,
  headers: { "content-type": "text/xml" },
  body: Buffer.from(
    "<ErrorResponse><Error><Type>Receiver</Type><Code>InternalError</Code>" +
      "<Message>The request could not be processed.</Message></Error></ErrorResponse>",
  ),
});
