import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DuckDBInstance } from "@duckdb/node-api";
import { App, Stack } from "aws-cdk-lib";
import type { Pipeline } from "millrace";
import { MillracePipeline, type MillracePipelineProps } from "millrace/cdk";
import { startLocalStack, type FaultPlan, type LocalStack, type LocalStackOptions } from "millrace/local";
import type { TaskStatus } from "millrace/lambda";
import { Deployment } from "../../localstack/start/deployment.ts";
import { drainAll } from "../../localstack/start/drain.ts";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** How a pipeline is deployed, where it is not as by default: one shard, no faults. */
export interface LiveOptions {
  readonly props?: Partial<MillracePipelineProps>;
  readonly faults?: FaultPlan;
  /** What is in the stack beside the pipeline, and what the pipeline is told of it. */
  readonly beside?: (stack: Stack) => Partial<MillracePipelineProps>;
}

type Quotas = Pick<LocalStackOptions, "activePartitions">;

/** A pipeline deployed on a local stack of its own. */
export class Live {
  readonly stack: LocalStack;
  readonly deployment: Deployment;
  readonly #directory: string;
  readonly #sqs: SQSClient;
  readonly #letters = new Map<string, DeadLetter & { whole?: { bucket: string; key: string } }>();

  private constructor(stack: LocalStack, pipeline: Pipeline, directory: string) {
    this.stack = stack;
    this.deployment = new Deployment(stack, pipeline);
    this.#directory = directory;
    this.#sqs = new SQSClient({
      endpoint: stack.endpoints.sqs,
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    });
  }

  /** Synthesizes the construct, bundles the handler and starts what the template says. */
  static async start(pipeline: Pipeline, handler: string, { props, faults, beside }: LiveOptions = {}): Promise<Live> {
    process.env["CDK_VALIDATION"] = "false";
    const directory = await mkdtemp(path.join(tmpdir(), "millrace-live-"));
    const app = new App({ outdir: path.join(directory, "cdk.out") });
    const cdkStack = new Stack(app, "live");
    new MillracePipeline(cdkStack, "Pipeline", {
      pipeline,
      handler,
      projectRoot: ROOT,
      stream: { shards: 1 },
      ...props,
      ...beside?.(cdkStack),
    });
    const templates = [path.join(app.synth().directory, "live.template.json")];
    return Live.#of(pipeline, templates, directory, { ...(faults && { faults }) });
  }

  /** Starts what a template says that was synthesized before. */
  static async deploy(pipeline: Pipeline, template: string, options: Quotas = {}): Promise<Live> {
    return Live.#of(pipeline, [template], await mkdtemp(path.join(tmpdir(), "millrace-live-")), options);
  }

  static async #of(
    pipeline: Pipeline,
    templates: readonly string[],
    directory: string,
    options: Quotas & Pick<LocalStackOptions, "faults">,
  ) {
    const dataDirectory = path.join(directory, "data");
    const stack = await startLocalStack({ templates, dataDirectory, ...options });
    return new Live(stack, pipeline, directory);
  }

  async stop(): Promise<void> {
    this.deployment.close();
    this.#sqs.destroy();
    await this.stack.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Puts payloads, text or bytes, with their partition keys. */
  async put(...records: readonly (readonly [partitionKey: string, payload: unknown])[]): Promise<void> {
    const answers = await this.deployment.put(
      records.map(([PartitionKey, payload]) => ({
        PartitionKey,
        Data:
          payload instanceof Uint8Array
            ? payload
            : Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)),
      })),
    );
    if (answers.some(({ ErrorCode }) => ErrorCode !== undefined)) throw new Error("The stream did not take a record.");
  }

  /** Ends the input: closes every window of every shard. */
  async drain(): Promise<readonly TaskStatus[]> {
    const [source, ...others] = this.deployment.stages;
    return drainAll({
      names: await source.taskNames(),
      readers: (await Promise.all(others.map((stage) => stage.taskNames()))).flat(),
      send: (task) => this.deployment.drain(task),
      isSettled: async () => {
        const { recordsBehind, inFlight, hiddenMessages, visibleMessages } = await this.stack.lag();
        return recordsBehind + inFlight + hiddenMessages + visibleMessages === 0;
      },
      look: () => this.deployment.tasks(),
      sleep: (millis) => new Promise((resolve) => setTimeout(resolve, millis)),
    });
  }

  async committed(seconds?: number): Promise<void> {
    await until(
      "all records are answered with success",
      async () => {
        const { recordsBehind, inFlight } = await this.stack.lag();
        return recordsBehind === 0 && inFlight === 0;
      },
      seconds,
    );
  }

  metric(name: string): number {
    return this.stack
      .metrics()
      .filter((series) => series.name === name)
      .reduce((sum, series) => sum + series.sum, 0);
  }

  /** All dead letters so far, by id. */
  async deadLetters() {
    for (;;) {
      const QueueUrl = this.deployment.source.bindings.deadLetterQueueUrl;
      const { Messages = [] } = await this.#sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      if (Messages.length === 0) return this.#letters;
      for (const { Body, ReceiptHandle } of Messages) {
        const letter = JSON.parse(Body!) as DeadLetter;
        this.#letters.set(letter.id, letter);
        await this.#sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
    }
  }

  /** The rows of a lake's Parquet files, by their output id. */
  async rows(lake: string): Promise<Record<string, unknown>[]> {
    await this.stack.flushDeliveryStreams();
    const bucket = this.stack.outputs["LakeBucket"]!;
    const files = (await this.stack.objectFiles(bucket, `data/${lake}/`)).filter((file) => file.endsWith(".parquet"));
    if (files.length === 0) return [];
    const connection = await (await DuckDBInstance.create()).connect();
    const list = files.map((file) => `'${file}'`).join();
    const result = await connection.runAndReadAll(
      `SELECT DISTINCT ON (output_id) * FROM read_parquet([${list}]) ORDER BY ALL`,
    );
    return result.getRowObjectsJson();
  }
}

/** Polls until something holds. What is waited for is another process's work, so there is no clock to inject. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 30): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`Waited ${seconds} s, and still not: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
