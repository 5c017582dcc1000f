import { LocalStackError } from "../errors.ts";
import type { Schedules } from "../schedules.ts";
import { jsonAnswer, targetOperation, type GatewayAnswer } from "./exchange.ts";
import type { ServiceFace } from "./service-gateway.ts";

const contentType = "application/x-amz-json-1.1";

interface Input {
  readonly Name?: string;
  readonly NamePrefix?: string;
  readonly TargetArn?: string;
}

/** What of EventBridge an operator needs: which rules there are, and to switch one off and on. */
export function eventsFace(schedules: () => Schedules): ServiceFace {
  return {
    operationOf: targetOperation,
    handle: async (request, operation): Promise<GatewayAnswer> => {
      try {
        const input = JSON.parse(request.body.toString("utf8")) as Input;
        return jsonAnswer(200, call(schedules(), operation, input), contentType);
      } catch (error) {
        if (!(error instanceof LocalStackError)) throw error;
        return jsonAnswer(400, { __type: error.code, message: error.message }, contentType);
      }
    },
  };
}

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
