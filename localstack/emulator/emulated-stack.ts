import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { S3Client } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { Pipeline } from "millrace";
import { readBindings, type Bindings } from "../../lib/plan/bindings.ts";
import { planStages } from "../../lib/plan/stage.ts";
import { DeployedStage } from "../start/deployed-stage.ts";
import type { FeedOptions } from "../start/feed.ts";
import { CREDENTIALS, REGION } from "./cdk.ts";
import { JsonCalls } from "./json-calls.ts";

export interface Clients {
  readonly cloudformation: CloudFormationClient;
  readonly dynamodb: DynamoDBClient;
  readonly firehose: FirehoseClient;
  readonly kinesis: KinesisClient;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly json: JsonCalls;
}

/** SDK clients that differ from those of AWS by their endpoint alone. */
export function clientsOf(endpoint: string): Clients {
  const common = { endpoint, region: REGION, credentials: CREDENTIALS, requestHandler: new NodeHttpHandler() };
  return {
    cloudformation: new CloudFormationClient(common),
    dynamodb: new DynamoDBClient(common),
    firehose: new FirehoseClient(common),
    // No retries: a put whose answer was lost may have been accepted, and then nobody would know where.
    kinesis: new KinesisClient({ ...common, maxAttempts: 1 }),
    s3: new S3Client({ ...common, forcePathStyle: true }),
    sqs: new SQSClient({ ...common, useQueueUrlAsEndpoint: false }),
    json: new JsonCalls(endpoint),
  };
}

/** A pipeline of one stage that was deployed to the emulator, as its operator sees it. */
export class EmulatedStack {
  readonly name: string;
  readonly clients: Clients;
  readonly outputs: Readonly<Record<string, string>>;
  readonly bindings: Bindings;
  readonly stage: DeployedStage;

  private constructor(
    name: string,
    clients: Clients,
    outputs: Readonly<Record<string, string>>,
    pipeline: Pipeline,
    bindings: Bindings,
  ) {
    this.name = name;
    this.clients = clients;
    this.outputs = outputs;
    this.bindings = bindings;
    const [stage, ...others] = planStages(pipeline);
    if (stage === undefined || others.length > 0) throw new Error(`${pipeline.name} has several stages.`);
    this.stage = new DeployedStage(pipeline, stage, bindings, clients);
  }

  /** Looks up what the stack says of itself. */
  static async find(name: string, clients: Clients, pipeline: Pipeline): Promise<EmulatedStack> {
    const { Stacks } = await clients.cloudformation.send(new DescribeStacksCommand({ StackName: name }));
    const outputs = Object.fromEntries(
      (Stacks?.[0]?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey!, OutputValue!]),
    );
    const ownFunction = Object.entries(outputs).find(([key]) => /^Stage.*Function$/.test(key));
    if (ownFunction === undefined) throw new Error(`The stack ${name} has no output that names a stage's function.`);
    const bindings = readBindings(await clients.json.functionVariables(ownFunction[1]));
    return new EmulatedStack(name, clients, outputs, pipeline, bindings);
  }

  output(name: string): string {
    const value = this.outputs[name];
    if (value === undefined) throw new Error(`The stack ${this.name} has no output ${name}.`);
    return value;
  }

  readonly put: FeedOptions["put"] = async (records) => {
    const { Records } = await this.clients.kinesis.send(
      new PutRecordsCommand({ StreamName: this.bindings.source.address["stream"], Records: records }),
    );
    return Records ?? [];
  };

  /** How many records the tasks' commits have taken in. */
  async recordsIn(): Promise<number> {
    const tasks = await this.stage.tasks();
    return tasks.reduce((sum, { counters }) => sum + (counters.get(this.stage.name)?.in ?? 0), 0);
  }

  /** An operator's word that a task's input has ended (X12). */
  async drain(task: string): Promise<void> {
    const MessageBody = JSON.stringify({ type: "drain", task });
    await this.clients.sqs.send(new SendMessageCommand({ QueueUrl: this.bindings.tickQueueUrl, MessageBody }));
  }

  /** Whether no tick waits or is under way. */
  async isSettled(): Promise<boolean> {
    const { Attributes = {} } = await this.clients.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.bindings.tickQueueUrl,
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
      }),
    );
    return Object.values(Attributes).every((count) => Number(count) === 0);
  }
}
