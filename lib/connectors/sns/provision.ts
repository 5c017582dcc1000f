import { Aws } from "aws-cdk-lib";
import { Key } from "aws-cdk-lib/aws-kms";
import { Topic, type ITopic } from "aws-cdk-lib/aws-sns";
import { refuseSetting } from "../limits.ts";
import type { CheckedSink, Place } from "../provisioned.ts";
import type { Construct } from "constructs";
import type { TopicDeclaration } from "./declare.ts";

/** A topic that a pipeline publishes rows to. */
export interface TopicSettings {
  /** The topic that is there already, of the kind that the pipeline declares. Its key must be known of it, if it has one of its own. @default one is made */
  readonly existing?: ITopic;
}

/** @param what names the topic in errors @throws definition error `provision/refused` */
export function checkTopic(what: string, { name, isFifo }: TopicDeclaration, { existing }: TopicSettings): CheckedSink {
  if (existing !== undefined && existing.fifo !== isFifo) {
    throw refuseSetting(
      `${what}.existing`,
      existing.fifo ? "a FIFO topic" : "a standard topic",
      `The pipeline declares it ${isFifo ? "with" : "without"} fifo.`,
    );
  }
  return {
    name,
    provision(scope, place) {
      const { topicArn, masterKey } = existing ?? newTopic(scope, name, isFifo, place);
      return {
        name,
        address: { topicArn },
        grants: [{ sid: "PublishRows", actions: ["sns:Publish"], resources: [topicArn] }],
        keyArns: existing !== undefined && masterKey !== undefined ? [masterKey.keyArn] : [],
        announced: [{ name: "TopicArn", value: topicArn, description: "Topic" }],
        exceptions: [],
      };
    },
  };
}

/** AWS's key for SNS, whose policy lets whoever may publish use it. */
const awsKeyArn = `arn:${Aws.PARTITION}:kms:${Aws.REGION}:${Aws.ACCOUNT_ID}:alias/aws/sns`;

const newTopic = (scope: Construct, name: string, isFifo: boolean, { encryptionKey, removalPolicy }: Place): Topic => {
  const masterKey = encryptionKey ?? Key.fromKeyArn(scope, `${name}-AwsKey`, awsKeyArn);
  const topic = new Topic(scope, name, { masterKey, enforceSSL: true, ...(isFifo && { fifo: true }) });
  topic.applyRemovalPolicy(removalPolicy);
  return topic;
};
