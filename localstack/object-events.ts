import { randomUUID } from "node:crypto";
import { LocalStackError } from "./errors.ts";
import type { Faults } from "./faults.ts";
import type { ScheduledMessage } from "./schedules.ts";
import { account } from "./template/account.ts";
import type { ResolvedResource } from "./template/resolve-template.ts";
import { isRecord } from "./template/template-file.ts";

/** An object as an event tells of it. */
export interface CreatedObject {
  readonly key: string;
  readonly contentLength: number;
  readonly etag: string;
}

/** Where events are sent. */
export interface EventTargets {
  readonly send: (queueName: string, body: string) => Promise<void>;
  /** Whether the queue's policy lets the rule send. */
  readonly maySend: (message: Pick<ScheduledMessage, "name" | "arn" | "ruleArn">) => Promise<boolean>;
  readonly onRefused: (rule: string) => void;
}

interface ObjectRule {
  readonly rule: string;
  readonly ruleArn: string;
  readonly matches: (bucket: string, key: string) => boolean;
  readonly queues: readonly { readonly name: string; readonly arn: string }[];
}

/** Whether a rule is of events and not of a schedule. */
export const isEventRule = ({ properties }: ResolvedResource): boolean => properties["EventPattern"] !== undefined;

/**
 * What S3 tells EventBridge of, as far as the templates' rules send it on: objects that are created, to queues. Under faults it comes twice,
 * as EventBridge delivers at least once; and there is no order between any two.
 */
export class ObjectEvents {
  private readonly rules: readonly ObjectRule[];
  private readonly buckets: ReadonlySet<string>;
  private readonly targets: EventTargets;
  private readonly faults: Faults;

  /**
   * @param buckets those that have events sent to EventBridge, by their templates, tell of theirs
   * @throws LocalStackError `EventRuleRefused` for a rule that cannot be run as it would on AWS
   */
  constructor(
    rules: readonly ResolvedResource[],
    buckets: readonly ResolvedResource[],
    targets: EventTargets,
    faults: Faults,
  ) {
    this.rules = rules.map(ruleOf);
    this.buckets = new Set(buckets.filter(sendsEvents).map(({ name }) => name));
    this.targets = targets;
    this.faults = faults;
  }

  async created(bucket: string, { key, contentLength, etag }: CreatedObject): Promise<void> {
    if (!this.buckets.has(bucket)) return;
    for (const { rule, ruleArn, queues } of this.rules.filter(({ matches }) => matches(bucket, key))) {
      const object = { key, size: contentLength, etag: etag.replaceAll('"', ""), sequencer: Date.now().toString(16) };
      const body = JSON.stringify({
        version: "0",
        id: randomUUID(),
        "detail-type": "Object Created",
        source: "aws.s3",
        account: account.id,
        time: new Date().toISOString(),
        region: account.region,
        resources: [`arn:${account.partition}:s3:::${bucket}`],
        detail: { version: "0", bucket: { name: bucket }, object, reason: "PutObject" },
      });
      for (const { name, arn } of queues) {
        if (!(await this.targets.maySend({ name, arn, ruleArn }))) {
          this.targets.onRefused(rule);
          continue;
        }
        await this.targets.send(name, body);
        if (!this.faults.strikes("repeatBatch")) continue;
        await this.targets.send(name, body);
        this.faults.injectedOne("repeatBatch");
      }
    }
  }
}

function sendsEvents({ properties }: ResolvedResource): boolean {
  const { EventBridgeConfiguration } = recordOf(properties["NotificationConfiguration"]);
  return String(recordOf(EventBridgeConfiguration)["EventBridgeEnabled"]) === "true";
}

function ruleOf(rule: ResolvedResource): ObjectRule {
  const { properties, logicalId } = rule;
  const { source, "detail-type": type, detail, ...others } = recordOf(properties["EventPattern"]);
  const { bucket, object, ...otherDetails } = recordOf(detail);
  if (properties["ScheduleExpression"] !== undefined) throw refused(logicalId, "it has a schedule beside its pattern");
  const isObjects = only(source, "aws.s3") && only(type, "Object Created");
  if (!isObjects || Object.keys({ ...others, ...otherDetails }).length > 0)
    throw refused(logicalId, "of events only objects of S3 that are created are known");
  const buckets = listOf(recordOf(bucket)["name"]);
  const keys =
    recordOf(object)["key"] === undefined
      ? undefined
      : listOf(recordOf(object)["key"]).map((one) => keyTest(logicalId, one));
  const targets = listOf(properties["Targets"]).map((target) => String(recordOf(target)["Arn"]));
  const other = targets.find((arn) => arn.split(":")[2] !== "sqs");
  if (other !== undefined) throw refused(logicalId, `its target ${other} is no queue`);
  return {
    rule: rule.name,
    ruleArn: rule.arn ?? rule.name,
    matches: (name, key) => buckets.includes(name) && (keys === undefined || keys.some((test) => test(key))),
    queues: targets.map((arn) => ({ name: arn.split(":").at(-1) ?? "", arn })),
  };
}

/** A condition on a key, as EventBridge has them. */
function keyTest(logicalId: string, condition: unknown): (key: string) => boolean {
  if (typeof condition === "string") return (key) => key === condition;
  const { prefix, suffix, wildcard } = recordOf(condition);
  if (typeof prefix === "string") return (key) => key.startsWith(prefix);
  if (typeof suffix === "string") return (key) => key.endsWith(suffix);
  if (typeof wildcard !== "string") throw refused(logicalId, "a condition on keys is a prefix, a suffix or a wildcard");
  const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const parts = [...wildcard.matchAll(/\\(.)|(\*)|([^\\*]+)/g)].map(([, escaped, star, text]) =>
    star === undefined ? literal(escaped ?? text ?? "") : ".*",
  );
  const whole = new RegExp(`^${parts.join("")}$`, "s");
  return (key) => whole.test(key);
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> => (isRecord(value) ? value : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : []);
const only = (list: unknown, value: string): boolean => listOf(list).length === 1 && listOf(list)[0] === value;

const refused = (logicalId: string, why: string) =>
  new LocalStackError("EventRuleRefused", `The rule ${logicalId} cannot be run: ${why}.`);
