import type { GatewayAnswer } from "./exchange.ts";
import type { ServiceFace } from "./service-gateway.ts";

/** A stack as others ask for it. */
export interface DescribedStack {
  readonly name: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** What of CloudFormation commands need: a stack's outputs. It speaks the query protocol. */
export function cloudFormationFace(stacks: () => readonly DescribedStack[]): ServiceFace {
  const parameters = (body: Buffer) => new URLSearchParams(body.toString("utf8"));
  return {
    operationOf: ({ body }) => parameters(body).get("Action") ?? "",
    handle: async ({ body }, operation): Promise<GatewayAnswer> => {
      const name = parameters(body).get("StackName");
      if (operation !== "DescribeStacks")
        return failure("InvalidAction", `The local stack's CloudFormation has no ${operation}`);
      const named = stacks().filter((stack) => name === null || stack.name === name);
      if (named.length === 0) return failure("ValidationError", `Stack with id ${String(name)} does not exist`);
      return xmlAnswer(
        200,
        element(
          "DescribeStacksResponse",
          element("DescribeStacksResult", element("Stacks", named.map(described).join(""))),
        ),
      );
    },
  };
}

const described = ({ name, outputs }: DescribedStack): string => {
  const pairs = Object.entries(outputs).map(([key, value]) =>
    element("member", element("OutputKey", escaped(key)) + element("OutputValue", escaped(value))),
  );
  return element(
    "member",
    element("StackName", escaped(name)) +
      element("CreationTime", "2001-01-01T00:00:00.000Z") +
      element("StackStatus", "CREATE_COMPLETE") +
      element("Outputs", pairs.join("")),
  );
};

const failure = (code: string, message: string): GatewayAnswer =>
  xmlAnswer(
    400,
    element(
      "ErrorResponse",
      element("Error", element("Type", "Sender") + element("Code", code) + element("Message", escaped(message))),
    ),
  );

const xmlAnswer = (status: number, xml: string): GatewayAnswer => ({
  status,
  headers: { "content-type": "text/xml" },
  body: Buffer.from(xml),
});

const element = (name: string, content: string): string => `<${name}>${content}</${name}>`;

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
