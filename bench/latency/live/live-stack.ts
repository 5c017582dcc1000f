import path from "node:path";
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { App, AssetStaging, Stack } from "aws-cdk-lib";
import { MillracePipeline } from "millrace/cdk";
import { startLocalStack, type LocalStack } from "../../../localstack/index.ts";
import { Deployment } from "../../../localstack/start/deployment.ts";
import { emptyDirectory, ROOT } from "../../harness/work.ts";
import live from "./pipeline.ts";

/** A message of a queue, and when the queue took it: epoch milliseconds. */
export interface Sent<T> {
  readonly body: T;
  readonly sentAt: number;
}

/** The pipeline on the local stack, from its template, over the stack's own HTTP interfaces. */
export class LiveStack {
  readonly #stack: LocalStack;
  readonly #deployment: Deployment;
  readonly #sqs: SQSClient;

  private constructor(stack: LocalStack) {
    this.#stack = stack;
    this.#deployment = new Deployment(stack, live);
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    this.#sqs = new SQSClient({ region: "us-east-1", credentials, endpoint: stack.endpoints.sqs });
  }

  /** @param window the mapping's, seconds */
  static async start(window: number): Promise<LiveStack> {
    process.env["CDK_VALIDATION"] = "false";
    const directory = emptyDirectory("latency-live");
    AssetStaging.clearAssetHashCache(); // what it knows of was in this directory
    const app = new App({ outdir: path.join(directory, "cdk.out") });
    const stack = new Stack(app, "live");
    new MillracePipeline(stack, "Pipeline", {
      pipeline: live,
      handler: "bench/latency/live/handler.ts",
      projectRoot: ROOT,
      stream: { shards: 1 },
      mapping: { batchingWindow: { seconds: window } },
    });
    const templates = [path.join(app.synth().directory, "live.template.json")];
    return new LiveStack(await startLocalStack({ templates, dataDirectory: path.join(directory, "data") }));
  }

  /** Puts events in one request. */
  async put(events: readonly { readonly place: string }[]): Promise<void> {
    const answers = await this.#deployment.put(
      events.map((event) => ({ PartitionKey: event.place, Data: Buffer.from(JSON.stringify(event)) })),
    );
    if (answers.length !== events.length || answers.some(({ ErrorCode }) => ErrorCode !== undefined))
      throw new Error("The stream did not take an event.");
  }

  /** Invocations so far. */
  get invocations(): number {
    return this.#stack.usage().lambda.invocations;
  }

  /** What functions have measured under a name so far. */
  samples(metric: string): readonly number[] {
    return this.#stack
      .metrics()
      .filter(({ name, dimensions }) => name === metric && !("operator" in dimensions))
      .flatMap(({ samples }) => samples);
  }

  /** Takes what is in a queue, until there are so many messages or nothing has come for a while. */
  async take<T>(sink: string, most: number): Promise<readonly Sent<T>[]> {
    const QueueUrl = this.#deployment.source.bindings.sinks[sink]!["queueUrl"]!;
    const taken: Sent<T>[] = [];
    for (let empty = 0; taken.length < most && empty < 3;) {
      const { Messages = [] } = await this.#sqs.send(
        new ReceiveMessageCommand({
          ...{ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 },
          MessageSystemAttributeNames: ["SentTimestamp"],
        }),
      );
      empty = Messages.length === 0 ? empty + 1 : 0;
      if (Messages.length === 0) continue;
      for (const { Body, Attributes } of Messages)
        taken.push({ body: JSON.parse(Body!) as T, sentAt: Number(Attributes!["SentTimestamp"]) });
      const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }));
      await this.#sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
    return taken;
  }

  async stop(): Promise<void> {
    this.#deployment.close();
    this.#sqs.destroy();
    await this.#stack.stop();
  }
}
