import type { Clock } from "../clock.ts";
import { LocalStackError } from "../errors.ts";
import type { EntryResult, EventBuses, EventEntry } from "../event-buses.ts";
import type { Faults } from "../faults.ts";
import type { Schedules } from "../schedules.ts";
import { jsonAnswer, targetOperation, type GatewayAnswer } from "./exchange.ts";
import type { ServiceFace } from "./service-gateway.ts";
import { partlyFailing, throughSinkFaults } from "./sink-faults.ts";

const contentType = "application/x-amz-json-1.1";

interface Input {
  readonly Name?: string;
  readonly NamePrefix?: string;
  readonly Entries?: readonly EventEntry[];
  readonly TargetArn?: string;
}

export interface EventsParts {
  readonly schedules: () => Schedules;
  readonly buses: () => EventBuses;
}

/** What of EventBridge an operator needs: which rules there are, and to switch one off and on. And events are put on buses. */
export function eventsFace({ schedules, buses }: EventsParts, faults: Faults, clock: Clock): ServiceFace {
  return {
    operationOf: targetOperation,
    handle: async (request, operation, caller) => {
      const carryOut = async (): Promise<GatewayAnswer> => {
        try {
          const input = JSON.parse(request.body.toString("utf8")) as Input;
          if (operation === "PutEvents")
            return put(buses(), input.Entries ?? [], caller === "function" ? faults : undefined);
          return jsonAnswer(200, call(schedules(), operation, input), contentType);
        } catch (error) {
          if (!(error instanceof LocalStackError)) throw error;
          return jsonAnswer(400, { __type: error.code, message: error.message }, contentType);
        }
      };
      if (caller === "user" || operation !== "PutEvents") return carryOut();
      return throughSinkFaults(faults, clock, true, failure, carryOut);
    },
  };
}

/** @param faults of which some entries may fail */
function put(buses: EventBuses, entries: readonly EventEntry[], faults: Faults | undefined): GatewayAnswer {
  const failing = faults === undefined ? new Set<number>() : partlyFailing(faults, entries.length);
  const taken = entries.filter((_entry, index) => !failing.has(index));
  const results = buses.put(taken);
  if (typeof results === "string")
    return jsonAnswer(400, { __type: results, message: "The request is not valid." }, contentType);
  let next = 0;
  const Entries = entries.map((_entry, index): EntryResult =>
    failing.has(index) ? { ErrorCode: "ThrottlingException", ErrorMessage: "Slow down." } : results[next++]!,
  );
  const FailedEntryCount = Entries.filter(({ ErrorCode }) => ErrorCode !== undefined).length;
  return jsonAnswer(200, { FailedEntryCount, Entries }, contentType);
}

const failure = (status: 500 | 503): GatewayAnswer =>
  jsonAnswer(status, { __type: "InternalException", message: "The request could not be processed." }, contentType);

function call(schedules: Schedules, operation: string, input: Input): unknown {
  const { Name = "", NamePrefix = "", TargetArn = "" } = input;
  const described = (name: string) => ({
    ...{ Name: name, Arn: schedules.arnOf(name) },
    State: schedules.isEnabled(name) ? "ENABLED" : "DISABLED",
  });
  switch (operation) {
    case "ListRules":
      return {
        Rules: schedules.names.filter((name) => name.startsWith(NamePrefix)).map(described),
      };
    case "ListRuleNamesByTarget":
      return { RuleNames: schedules.namesByTarget(TargetArn) };
    case "DescribeRule":
    case "EnableRule":
    case "DisableRule":
      if (!schedules.names.includes(Name))
        throw new LocalStackError("ResourceNotFoundException", `Rule ${Name} does not exist on EventBus default.`);
      if (operation === "DescribeRule") return described(Name);
      schedules.enable(Name, operation === "EnableRule");
      return {};
    default:
      throw new LocalStackError("UnknownOperationException", `The local stack's EventBridge has no ${operation}`);
  }
}
