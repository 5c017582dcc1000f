import { LocalStackError } from "./errors.ts";
import type { ResolvedResource } from "./template/resolve-template.ts";
import { isRecord } from "./template/template-file.ts";

/** What a schedule sends, and where. */
export interface ScheduledMessage {
  readonly rule: string;
  readonly queueName: string;
  readonly body: string;
}

/** Where a schedule's targets are reached. */
export type SendMessage = (queueName: string, body: string) => Promise<void>;

/**
 * The rules of the templates that run on a schedule. Nothing waits for their time, which is hours: they run when they
 * are told to, and then every enabled rule sends its constant input, as EventBridge would.
 */
export class Schedules {
  private readonly messages: readonly ScheduledMessage[];
  private readonly send: SendMessage;

  /** @throws LocalStackError `ScheduleRefused` for a rule that cannot be run as it would on AWS */
  constructor(rules: readonly ResolvedResource[], send: SendMessage) {
    this.messages = rules.flatMap(messagesOf);
    this.send = send;
  }

  async run(): Promise<void> {
    for (const { queueName, body } of this.messages) await this.send(queueName, body);
  }
}

function messagesOf(rule: ResolvedResource): readonly ScheduledMessage[] {
  const { properties, logicalId } = rule;
  if (typeof properties["ScheduleExpression"] !== "string" || properties["EventPattern"] !== undefined)
    throw refused(logicalId, "only rules with a schedule and no event pattern are run");
  const targets = properties["Targets"];
  if (properties["State"] === "DISABLED" || !Array.isArray(targets)) return [];
  return targets.map((target: unknown) => {
    const { Arn: arn, Input: body } = isRecord(target) ? target : {};
    if (typeof arn !== "string" || arn.split(":")[2] !== "sqs")
      throw refused(logicalId, `its target ${String(arn)} is not a queue`);
    // Without an input EventBridge sends the event itself, with its time and id; nobody here has needed that.
    if (typeof body !== "string") throw refused(logicalId, "a target's input is not constant");
    return { rule: rule.name, queueName: arn.split(":").at(-1) ?? "", body };
  });
}

const refused = (logicalId: string, why: string) =>
  new LocalStackError("ScheduleRefused", `The rule ${logicalId} cannot be run: ${why}.`);
