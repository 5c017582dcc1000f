import { LocalStackError } from "./errors.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { ResolvedResource } from "./template/resolve-template.ts";
import { isRecord } from "./template/template-file.ts";

/** What a schedule sends, and where. */
export interface ScheduledMessage {
  readonly rule: string;
  readonly ruleArn: string;
  readonly target: "queue" | "function";
  /** The target's name. */
  readonly name: string;
  readonly arn: string;
  readonly body: string;
}

/** Where a schedule's targets are reached. */
export interface ScheduleTargets {
  readonly send: (queueName: string, body: string) => Promise<void>;
  /** Whether the queue's policy lets the rule send. */
  readonly maySend: (message: ScheduledMessage) => Promise<boolean>;
  /** Resolves when the function has ended, well or not: EventBridge would not wait for it, and hears of no error. */
  readonly invoke: (functionName: string, event: string) => Promise<void>;
  readonly hasFunction: (name: string) => boolean;
}

/**
 * The rules of the templates that run on a schedule. Nothing waits for their time, which is hours: they run when they
 * are told to, and then every enabled rule sends its constant input, as EventBridge would.
 */
export class Schedules {
  private readonly messages: readonly ScheduledMessage[];
  private readonly disabled: Set<string>;
  private readonly targets: ScheduleTargets;
  private readonly metrics: Metrics;

  /** @throws LocalStackError `ScheduleRefused` for a rule that cannot be run as it would on AWS */
  constructor(rules: readonly ResolvedResource[], targets: ScheduleTargets, metrics: Metrics) {
    this.messages = rules.flatMap(messagesOf);
    this.targets = targets;
    this.metrics = metrics;
    this.disabled = new Set(
      rules.filter(({ properties }) => properties["State"] === "DISABLED").map(({ name }) => name),
    );
    const lost = this.messages.find(({ target, name }) => target === "function" && !targets.hasFunction(name));
    if (lost !== undefined)
      throw refused(lost.rule, `its target ${lost.name} is a function that no given template defines`);
  }

  /** The rules' names. */
  get names(): readonly string[] {
    return [...new Set(this.messages.map(({ rule }) => rule))];
  }

  isEnabled(rule: string): boolean {
    return !this.disabled.has(rule);
  }

  enable(rule: string, isEnabled: boolean): void {
    if (isEnabled) this.disabled.delete(rule);
    else this.disabled.add(rule);
  }

  arnOf(rule: string): string | undefined {
    return this.messages.find((message) => message.rule === rule)?.ruleArn;
  }

  /** The rules that send to a target. */
  namesByTarget(arn: string): readonly string[] {
    return [...new Set(this.messages.filter((message) => message.arn === arn).map(({ rule }) => rule))];
  }

  async run(): Promise<void> {
    const { send, maySend, invoke } = this.targets;
    for (const message of this.messages) {
      const { rule, target, name, body } = message;
      if (!this.isEnabled(rule)) continue;
      const isRefused = target === "queue" && !(await maySend(message));
      if (!isRefused) await (target === "queue" ? send : invoke)(name, body);
      this.metrics.add("AWS/Events", "Invocations", { RuleName: rule }, 1);
      if (isRefused) this.metrics.add("AWS/Events", "FailedInvocations", { RuleName: rule }, 1);
    }
  }
}

function messagesOf(rule: ResolvedResource): readonly ScheduledMessage[] {
  const { properties, logicalId } = rule;
  if (typeof properties["ScheduleExpression"] !== "string" || properties["EventPattern"] !== undefined)
    throw refused(logicalId, "only rules with a schedule and no event pattern are run");
  const targets = properties["Targets"];
  if (!Array.isArray(targets)) return [];
  return targets.map((target: unknown) => {
    const { Arn: arn, Input: body } = isRecord(target) ? target : {};
    const kind = typeof arn === "string" ? TARGETS[arn.split(":")[2] ?? ""] : undefined;
    if (kind === undefined) throw refused(logicalId, `its target ${String(arn)} is neither a queue nor a function`);
    // Without an input EventBridge sends the event itself, with its time and id; nobody here has needed that.
    if (typeof body !== "string") throw refused(logicalId, "a target's input is not constant");
    const name = String(arn).split(":").at(-1) ?? "";
    return { rule: rule.name, ruleArn: rule.arn ?? rule.name, target: kind, name, arn: String(arn), body };
  });
}

const TARGETS: Readonly<Record<string, ScheduledMessage["target"]>> = { sqs: "queue", lambda: "function" };

const refused = (logicalId: string, why: string) =>
  new LocalStackError("ScheduleRefused", `The rule ${logicalId} cannot be run: ${why}.`);
