import { Stack, Token } from "aws-cdk-lib";
import { Rule, type IRuleTarget } from "aws-cdk-lib/aws-events";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnBucket, type IBucket } from "aws-cdk-lib/aws-s3";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import type { SourceDeclaration } from "../../pipeline/source.ts";
import { refuseSetting } from "../limits.ts";
import type { CheckedSource, Grant } from "../provisioned.ts";
import { checkReading, makeQueue, withoutOrder, type QueueReading, type ReadQueueSettings } from "../sqs/read-queue.ts";
import { S3 } from "./declare.ts";

/** A bucket whose objects a pipeline reads, and the queue that tells of them. */
export interface S3ObjectsSettings extends Omit<ReadQueueSettings, "existing"> {
  /** It must send its events to EventBridge (`eventBridgeEnabled`), but where a queue is there that it sends them to. What encrypts it, where that is a key of one's own, must be known of it. */
  readonly bucket: IBucket;
  /** Objects whose keys begin so. @default all */
  readonly prefix?: string;
  /** Objects whose keys end so. @default all */
  readonly suffix?: string;
  /** A queue that is told of the objects already, by the bucket or by SNS or EventBridge; as that of an `sqsQueue`. @default one is made, with a rule */
  readonly queue?: IQueue;
  /** The most messages of a batch, each of one object, 1 to 10,000. @default 1 */
  readonly batchSize?: number;
}

/** Objects as what a stage reads. @throws definition errors naming the limit and the value given */
export function s3Input({
  what,
  source,
  settings,
  ...reading
}: Omit<QueueReading, "isFifo" | "settings"> & {
  readonly source: SourceDeclaration;
  readonly settings: S3ObjectsSettings | undefined;
}): CheckedSource {
  if (settings === undefined) {
    throw refuseSetting(what, "not given", `The source "${source.name}" reads objects: say of which bucket.`);
  }
  const { bucket, prefix = "", suffix = "", queue: existing, ...own } = settings;
  if (existing !== undefined && suffix !== "") {
    throw refuseSetting(
      `${what}.suffix`,
      "set for a queue that is there already",
      "What it is told of is not ours to say.",
    );
  }
  const checked = checkReading({
    ...reading,
    what,
    settings: { batchSize: 1, ...own, ...(existing && { existing }) },
    isFifo: false,
  });
  return {
    connector: S3,
    ...withoutOrder(checked),
    provision(scope, name, place) {
      refuseFar(what, Stack.of(scope), bucket, existing !== undefined);
      // EventBridge could not use a key whose policy is not ours; a message has no more than an object's key.
      const made = makeQueue(scope, name, checked, { ...place, encryptionKey: undefined });
      const { queue, setAside, keyArns } = made;
      if (existing === undefined) {
        tell(scope, `${name}-Created`, { bucket, prefix, suffix, queue });
        scope.node.addValidation({ validate: () => (sendsEvents(bucket) ? [] : [silent(what)]) });
      }
      const { queueArn, queueUrl } = queue;
      const key = bucket.encryptionKey;
      return {
        address: { queueArn, queueUrl },
        grants: [...made.grants, ...readObjects(bucket, prefix), readOn(queue)],
        keyArns: key === undefined ? keyArns : [...keyArns, key.keyArn],
        announced: [
          { name: "QueueUrl", value: queueUrl, description: "Queue of what was created" },
          { name: "QueueArn", value: queueArn, description: "Queue of what was created" },
          ...(setAside === undefined
            ? []
            : [{ name: "SetAsideQueueUrl", value: setAside.queueUrl, description: "What was set aside" }]),
        ],
        exceptions: made.exceptions,
        records: { construct: queue, arn: queueArn },
        stream: undefined,
        isBilledByPut: false,
        queue: { queue, setAside, ageSeconds: checked.ageSeconds },
        map: (within, id, target) => made.map(within, id, target),
      };
    },
  };
}

/** Functions read buckets of their own region, and are told by EventBridge of those of their own account. */
function refuseFar(what: string, own: Stack, bucket: IBucket, isToldAlready: boolean): void {
  for (const field of isToldAlready ? (["region"] as const) : (["region", "account"] as const)) {
    const there = bucket.env[field];
    if (Token.isUnresolved(there) || Token.isUnresolved(own[field]) || there === own[field]) continue;
    throw refuseSetting(
      `${what}.bucket`,
      `in the ${field} ${there}`,
      `The stack is in ${own[field]}, and would never be told of an object there: deploy the pipeline where the bucket is.`,
    );
  }
}

/** Whether a bucket tells EventBridge of its objects; true also where that is not known here. */
function sendsEvents(bucket: IBucket): boolean {
  const made = bucket.node.defaultChild;
  if (!(made instanceof CfnBucket)) return true;
  const notifications = bucket.node.tryFindChild("Notifications")?.node.tryFindChild("Resource");
  // It has no getter: what is written into the template says so.
  const written = [made, notifications].map((resource) =>
    (resource as { _toCloudFormation(): object } | undefined)?._toCloudFormation(),
  );
  return JSON.stringify(Stack.of(bucket).resolve(written)).includes("EventBridgeConfiguration");
}

const silent = (what: string): string =>
  `${what}.bucket sends no events to EventBridge, so that no object would be read. Give it \`eventBridgeEnabled: true\`, or bring a queue that is told.`;

/** Objects, as they are and as they were; and the answer that one is not there, in place of one that it may not be seen. */
const readObjects = (bucket: IBucket, prefix: string): readonly Grant[] => [
  {
    sid: "ReadObjects",
    actions: ["s3:GetObject", "s3:GetObjectVersion"],
    resources: [bucket.arnForObjects(`${prefix}*`)],
    pattern: "Which objects there will be is known when they are created.",
  },
  {
    sid: "MissObjects",
    actions: ["s3:ListBucket"],
    resources: [bucket.bucketArn],
    // No prefix belongs to a read; what the condition refuses is to list any other.
    conditions: { StringLikeIfExists: { "s3:prefix": [`${prefix}*`] } },
  },
];

/** An object that is larger than an invocation can read is read on by a message of the function's own. */
const readOn = (queue: IQueue): Grant => ({
  sid: "ReadOn",
  actions: ["sqs:SendMessage"],
  resources: [queue.queueArn],
});

interface Telling {
  readonly bucket: IBucket;
  readonly prefix: string;
  readonly suffix: string;
  readonly queue: IQueue;
}

/** The rule that tells a queue of what is created. */
function tell(scope: Construct, id: string, { bucket, prefix, suffix, queue }: Telling): void {
  const key = keyPattern(prefix, suffix);
  const rule = new Rule(scope, id, {
    description: "Millrace: tells of objects that are created",
    eventPattern: {
      source: ["aws.s3"],
      detailType: ["Object Created"],
      detail: { bucket: { name: [bucket.bucketName] }, ...(key && { object: { key: [key] } }) },
    },
  });
  rule.addTarget({ bind: () => ({ arn: queue.queueArn }) } satisfies IRuleTarget);
  // CDK's own target would allow more than sending.
  queue.addToResourcePolicy(
    new PolicyStatement({
      sid: "TakeEvents",
      principals: [new ServicePrincipal("events.amazonaws.com")],
      actions: ["sqs:SendMessage"],
      resources: [queue.queueArn],
      conditions: { ArnEquals: { "aws:SourceArn": rule.ruleArn } },
    }),
  );
}

/** Several conditions in a list are alternatives to EventBridge: both at once are one with a wildcard. */
function keyPattern(prefix: string, suffix: string): Record<string, string> | undefined {
  if (prefix === "" && suffix === "") return undefined;
  if (suffix === "") return { prefix };
  if (prefix === "") return { suffix };
  const literal = (text: string) => text.replaceAll(/[\\*]/g, "\\$&");
  return { wildcard: `${literal(prefix)}*${literal(suffix)}` };
}
