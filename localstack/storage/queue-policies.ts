import type { JsonClient } from "../gateway/json-client.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";
import { isRecord } from "../template/template-file.ts";

/** The policies of the templates' queues, as texts by the queues' names. */
export function queuePolicies(resources: readonly ResolvedResource[]): ReadonlyMap<string, string> {
  const policies = new Map<string, string>();
  for (const { type, properties } of resources) {
    const { Queues, PolicyDocument } = properties;
    if (type !== "AWS::SQS::QueuePolicy" || !Array.isArray(Queues)) continue;
    for (const url of Queues) policies.set(String(url).split("/").at(-1) ?? "", JSON.stringify(PolicyDocument));
  }
  return policies;
}

/**
 * Sets the policies that are others than before: what was changed by hand stays where the template has not changed, as with
 * CloudFormation.
 */
export async function setQueuePolicies(
  client: JsonClient,
  urlOf: (queue: string) => string,
  policies: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  for (const [queue, Policy] of policies) {
    if (before.get(queue) === Policy) continue;
    await client.call("SetQueueAttributes", { QueueUrl: urlOf(queue), Attributes: { Policy } });
  }
}

/** Who wants to send, and where. */
export interface Sending {
  readonly service: string;
  /** What the service sends for. */
  readonly sourceArn: string;
  readonly queueArn: string;
}

/**
 * Whether a queue's policy lets a service send. Only what such policies are made of is understood; a condition that is not
 * is not met.
 *
 * @param policy as the queue has it; "" for none
 */
export function letsSend(policy: string, sending: Sending): boolean {
  const statements = policy === "" ? undefined : (JSON.parse(policy) as { readonly Statement?: unknown }).Statement;
  const meant = listOf(statements)
    .filter(isRecord)
    .filter((statement) => isMeant(statement, sending));
  return meant.length > 0 && meant.every(({ Effect }) => Effect === "Allow");
}

function isMeant(statement: Readonly<Record<string, unknown>>, { service, sourceArn, queueArn }: Sending): boolean {
  const { Principal, Action, Resource, Condition } = statement;
  const services = isRecord(Principal) ? [...listOf(Principal["Service"]), ...listOf(Principal["AWS"])] : [Principal];
  return (
    services.some((one) => one === service || one === "*") &&
    listOf(Action).some((one) => one === "sqs:SendMessage" || one === "sqs:*") &&
    listOf(Resource).some((one) => one === queueArn || one === "*") &&
    Object.entries(isRecord(Condition) ? Condition : {}).every(
      ([operator, keys]) =>
        (operator === "ArnEquals" || operator === "ArnLike") &&
        isRecord(keys) &&
        Object.entries(keys).every(([key, value]) => key === "aws:SourceArn" && listOf(value).includes(sourceArn)),
    )
  );
}

const listOf = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly unknown[]) : [value];
