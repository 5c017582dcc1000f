import { LocalStackError } from "../errors.ts";
import { propertyText } from "../template/property-text.ts";
import { isRecord } from "../template/template-file.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";
import type { Notice } from "../types.ts";

const subscriptionAttributes = ["RawMessageDelivery", "FilterPolicy", "FilterPolicyScope"] as const;

/** Creates the templates' topics in fauxqs, and their subscriptions, after the queues. Only those of queues are run. */
export async function createTopics(
  port: number,
  resources: readonly ResolvedResource[],
  onNotice: (notice: Notice) => void,
): Promise<void> {
  const topics = resources.filter(({ type }) => type === "AWS::SNS::Topic");
  for (const { name, properties } of topics) {
    const isFifo = propertyText(properties["FifoTopic"] ?? false) === "true";
    await call(port, "CreateTopic", { Name: name, ...attributes(isFifo ? { FifoTopic: "true" } : {}) });
  }
  const subscriptions = resources
    .filter(({ type }) => type === "AWS::SNS::Subscription")
    .map(({ logicalId, properties }) => ({ logicalId, topic: properties["TopicArn"], properties }));
  for (const { logicalId, arn, properties } of topics) {
    const own = Array.isArray(properties["Subscription"]) ? properties["Subscription"].filter(isRecord) : [];
    subscriptions.push(...own.map((one) => ({ logicalId, topic: arn, properties: one })));
  }
  for (const { logicalId, topic, properties } of subscriptions) {
    if (properties["Protocol"] !== "sqs") {
      const text = `${logicalId} is not run: only subscriptions of queues are`;
      onNotice({ level: "warning", text });
      continue;
    }
    const set = subscriptionAttributes.flatMap((name) => {
      const value = properties[name];
      return value === undefined
        ? []
        : [[name, isRecord(value) ? JSON.stringify(value) : propertyText(value)] as const];
    });
    await call(port, "Subscribe", {
      TopicArn: String(topic),
      Protocol: "sqs",
      Endpoint: String(properties["Endpoint"]),
      ...attributes(Object.fromEntries(set)),
    });
  }
}

const attributes = (values: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value], i) => [
      [`Attributes.entry.${i + 1}.key`, name],
      [`Attributes.entry.${i + 1}.value`, value],
    ]),
  );

async function call(port: number, Action: string, parameters: Readonly<Record<string, string>>): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/`, {
    method: "POST",
    body: new URLSearchParams({ Action, Version: "2010-03-31", ...parameters }),
    headers: {
      // fauxqs looks at the shape of these, not at their truth.
      authorization:
        "AWS4-HMAC-SHA256 Credential=local/20010101/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0",
    },
  });
  const text = await answer.text();
  if (!answer.ok) throw new LocalStackError("TopicRefused", `${Action}: ${text}`);
}
