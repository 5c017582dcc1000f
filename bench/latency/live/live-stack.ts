import { cpSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { App, AssetStaging, Stack } from "aws-cdk-lib";
import type { Pipeline } from "millrace";
import { MillracePipeline } from "millrace/cdk";
import { startLocalStack, type LocalStack, type MetricSeries } from "../../../localstack/index.ts";
import { Deployment } from "../../../localstack/start/deployment.ts";
import { startRivalMapping, type RivalMapping } from "../../../localstack/start/rival-mapping.ts";
import { emptyDirectory, ROOT, say } from "../../harness/work.ts";

/** A message of a queue, and when the queue took it: epoch milliseconds. */
export interface Sent<T> {
  readonly body: T;
  readonly sentAt: number;
}

export interface LiveStackOptions {
  readonly pipeline: Pipeline;
  /** The handler's file, from the project's root. */
  readonly handler: string;
  /** The mapping's, seconds. */
  readonly window: number;
  /** Records of the largest batch. @default the construct's */
  readonly batchSize?: number;
  /** Whether the stream's mapping is off until it is switched on. @default it is on */
  readonly isOff?: boolean;
}

/** A pipeline on the local stack, from its template, over the stack's own HTTP interfaces. */
export class LiveStack {
  readonly #stack: LocalStack;
  readonly #deployment: Deployment;
  readonly #sqs: SQSClient;
  readonly #template: string;
  readonly #directory: string;
  /** The mapping that was switched on, with functions of its own. */
  #switched: RivalMapping | undefined;

  private constructor(stack: LocalStack, pipeline: Pipeline, template: string, directory: string) {
    this.#stack = stack;
    this.#deployment = new Deployment(stack, pipeline);
    this.#template = template;
    this.#directory = directory;
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    this.#sqs = new SQSClient({ region: "us-east-1", credentials, endpoint: stack.endpoints.sqs });
  }

  static async start({ pipeline, handler, window, batchSize, isOff = false }: LiveStackOptions): Promise<LiveStack> {
    process.env["CDK_VALIDATION"] = "false";
    const directory = emptyDirectory(pipeline.name);
    AssetStaging.clearAssetHashCache(); // what it knows of was in this directory
    const app = new App({ outdir: path.join(directory, "cdk.out") });
    const stack = new Stack(app, "live");
    new MillracePipeline(stack, "Pipeline", {
      pipeline,
      handler,
      projectRoot: ROOT,
      stream: { shards: 1 },
      mapping: { batchingWindow: { seconds: window }, ...(batchSize !== undefined && { batchSize }) },
    });
    const template = path.join(app.synth().directory, "live.template.json");
    const started = isOff ? switchedOff(template) : template;
    const dataDirectory = path.join(directory, "data");
    return new LiveStack(await startLocalStack({ templates: [started], dataDirectory }), pipeline, template, directory);
  }

  /** Puts events in one request. */
  async put(events: readonly { readonly place: string }[]): Promise<void> {
    const answers = await this.#deployment.put(
      events.map((event) => ({ PartitionKey: event.place, Data: Buffer.from(JSON.stringify(event)) })),
    );
    if (answers.length !== events.length || answers.some(({ ErrorCode }) => ErrorCode !== undefined))
      throw new Error("The stream did not take an event.");
  }

  /** Switches the stream's mapping on, which was off: it begins at the first record, and starts its function. */
  async switchOn(): Promise<void> {
    this.#switched = await startRivalMapping({
      stack: this.#stack,
      template: this.#template,
      directory: path.join(this.#directory, "switched-on"),
      onNotice: ({ level, text }) => {
        if (level === "warning") say(text);
      },
    });
  }

  /** Invocations so far. */
  get invocations(): number {
    const switched = [...(this.#switched?.batches().values() ?? [])].reduce((sum, batches) => sum + batches, 0);
    return this.#stack.usage().lambda.invocations + switched;
  }

  /** What functions have measured under a name so far. */
  samples(metric: string): readonly number[] {
    return this.#series(metric).flatMap(({ samples }) => samples);
  }

  /** The sum of what functions have measured under a name so far. */
  sum(metric: string): number {
    return this.#series(metric).reduce((sum, series) => sum + series.sum, 0);
  }

  #series(metric: string): readonly MetricSeries[] {
    return [...this.#stack.metrics(), ...(this.#switched?.metrics() ?? [])].filter(
      ({ name, dimensions }) => name === metric && !("operator" in dimensions),
    );
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
    await this.#switched?.stop();
    this.#deployment.close();
    this.#sqs.destroy();
    await this.#stack.stop();
  }
}

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Record<string, unknown> }>>;
}

/** The same template elsewhere, as its name is the stack's, in which no stream's mapping is on. @returns its path */
function switchedOff(template: string): string {
  const { Resources, ...rest } = JSON.parse(readFileSync(template, "utf8")) as Template;
  for (const { Type, Properties } of Object.values(Resources))
    // Queues have neither a position to begin at.
    if (Type === "AWS::Lambda::EventSourceMapping" && "StartingPosition" in Properties) Properties["Enabled"] = false;
  const directory = path.join(path.dirname(template), "../switched-off");
  cpSync(path.dirname(template), directory, { recursive: true });
  const file = path.join(directory, path.basename(template));
  writeFileSync(file, JSON.stringify({ ...rest, Resources }));
  return file;
}
