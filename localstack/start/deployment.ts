import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { Pipeline } from "millrace";
import type { TaskStatus } from "millrace/lambda";
import { kinesisTransport, type Transport } from "millrace/producer";
import { BINDINGS_VARIABLE, readBindings, type Bindings } from "../../lib/plan/bindings.ts";
import { planStages } from "../../lib/plan/stage.ts";
import type { LocalStack } from "../types.ts";
import { DeployedStage } from "./deployed-stage.ts";
import type { FeedOptions } from "./feed.ts";

/** The deployed pipeline as an operator sees it: its stages with their streams, and the input's tick queue. */
export class Deployment {
  readonly stack: LocalStack;
  readonly pipeline: Pipeline;
  /** Producers first. */
  readonly stages: readonly [DeployedStage, ...DeployedStage[]];
  readonly #kinesis: KinesisClient;
  readonly #sqs: SQSClient;
  readonly #dynamodb: DynamoDBClient;
  readonly #tableStreams: DynamoDBStreamsClient;
  readonly #s3: S3Client;

  /** @throws for a pipeline of several sources: this feeds one */
  constructor(stack: LocalStack, pipeline: Pipeline) {
    this.stack = stack;
    this.pipeline = pipeline;
    const common = {
      region: stack.environment["AWS_REGION"] ?? "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    };
    // No retries: a put whose answer was lost may have been accepted, and then nobody would know where.
    // Node's HTTP/1 handler: the default one of Kinesis speaks HTTP/2, which the emulator does not.
    this.#kinesis = new KinesisClient({
      ...common,
      endpoint: stack.endpoints.kinesis,
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler(),
    });
    this.#sqs = new SQSClient({ ...common, endpoint: stack.endpoints.sqs });
    this.#dynamodb = new DynamoDBClient({ ...common, endpoint: stack.endpoints.dynamodb, maxAttempts: 10 });
    this.#s3 = new S3Client({ ...common, endpoint: stack.endpoints.s3, forcePathStyle: true, maxAttempts: 10 });
    this.#tableStreams = new DynamoDBStreamsClient({ ...common, endpoint: stack.endpoints.dynamodb });
    const clients = {
      kinesis: this.#kinesis,
      dynamodb: this.#dynamodb,
      tableStreams: this.#tableStreams,
      s3: this.#s3,
    };
    const bindings = bindingsOf(stack);
    const [source, ...others] = planStages(pipeline).map((stage) => {
      const own = bindings.find((one) => one.stage === stage.name);
      if (own === undefined) throw new Error(`The stack has no function of the stage "${stage.name}".`);
      return new DeployedStage(pipeline, stage, own, clients);
    });
    const sources = [source, ...others].filter((stage) => stage?.stage.input.kind === "source");
    if (source === undefined || sources.length > 1 || sources[0] !== source)
      throw new Error(`The pipeline "${pipeline.name}" has ${sources.length} sources; this command feeds one.`);
    this.stages = [source, ...others];
  }

  /** The stage that the input goes to. */
  get source(): DeployedStage {
    return this.stages[0];
  }

  readonly put: FeedOptions["put"] = async (records) => {
    const { Records } = await this.#kinesis.send(
      new PutRecordsCommand({ StreamName: this.source.stream, Records: records }),
    );
    return Records ?? [];
  };

  /** The stream that the input goes to, as the producer library knows it. */
  get transport(): Transport {
    return kinesisTransport(this.#kinesis, this.source.stream);
  }

  /** The tasks of every stage, producers first. */
  async tasks(): Promise<readonly TaskStatus[]> {
    return (await Promise.all(this.stages.map((stage) => stage.tasks()))).flat();
  }

  /** The names of the tasks of every stage that get input now. */
  async taskNames(): Promise<readonly string[]> {
    return (await Promise.all(this.stages.map((stage) => stage.taskNames()))).flat();
  }

  /** An operator's word that the input of a source's task has ended (X12). */
  async drain(task: string): Promise<void> {
    const MessageBody = JSON.stringify({ type: "drain", task });
    await this.#sqs.send(new SendMessageCommand({ QueueUrl: this.source.bindings.tickQueueUrl, MessageBody }));
  }

  close(): void {
    for (const client of [this.#kinesis, this.#sqs, this.#dynamodb, this.#tableStreams, this.#s3]) client.destroy();
  }
}

/** The bindings of the stack's stages. */
function bindingsOf(stack: LocalStack): readonly Bindings[] {
  return stack.resources.flatMap(({ type, properties }) => {
    if (type !== "AWS::Lambda::Function") return [];
    const { Variables } = (properties["Environment"] ?? {}) as {
      readonly Variables?: Readonly<Record<string, string>>;
    };
    return Variables?.[BINDINGS_VARIABLE] === undefined ? [] : [readBindings(Variables)];
  });
}
