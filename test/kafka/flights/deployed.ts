import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { App, Stack } from "aws-cdk-lib";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { Pipeline } from "millrace";
import { MillracePipeline, type MillracePipelineProps } from "millrace/cdk";
import { inspectTasks, readBindings, type TaskStatus } from "millrace/lambda";
import { startLocalStack } from "millrace/local";
import { drainAll } from "../../../localstack/start/drain.ts";
import type { FaultPlan, LocalStack } from "../../../localstack/types.ts";
import { BINDINGS_VARIABLE } from "../../../lib/plan/bindings.ts";
import { taskName } from "../../../lib/state/task-id.ts";

export const SHARDS = ["shardId-000000000000", "shardId-000000000001"];

export interface DeployOptions {
  readonly pipeline: Pipeline;
  /** From the project's root. */
  readonly handler: string;
  readonly kafka?: MillracePipelineProps["kafka"];
  readonly faults?: FaultPlan;
}

/** A pipeline on a local stack of its own. */
export class Deployed {
  readonly stack: LocalStack;
  readonly notices: string[];
  readonly #pipeline: Pipeline;
  readonly #directory: string;

  private constructor(stack: LocalStack, pipeline: Pipeline, directory: string, notices: string[]) {
    this.stack = stack;
    this.#pipeline = pipeline;
    this.#directory = directory;
    this.notices = notices;
  }

  static async start({ pipeline, handler, kafka, faults }: DeployOptions): Promise<Deployed> {
    process.env["CDK_VALIDATION"] = "false";
    const directory = mkdtempSync(join(tmpdir(), "millrace-flights-"));
    const app = new App({ outdir: join(directory, "cdk.out") });
    const stack = new Stack(app, "flights");
    new MillracePipeline(stack, "Flights", {
      pipeline,
      handler,
      stream: { shards: SHARDS.length },
      mapping: { batchSize: 250, batchingWindow: { seconds: 0 } },
      function: { timeout: { seconds: 30 } },
      ...(kafka && { kafka }),
    });
    const { templateFullPath } = app.synth().getStackByName("flights");
    const notices: string[] = [];
    const local = await startLocalStack({
      templates: [templateFullPath],
      dataDirectory: join(directory, "data"),
      timeScale: 10,
      onNotice: ({ level, text }) => notices.push(`${level} ${text}`),
      ...(faults && { faults }),
    });
    return new Deployed(local, pipeline, directory, notices);
  }

  /** Ends the input of a source's partitions, and waits until every task is at the end of time. */
  async drain(partitions: readonly string[]): Promise<readonly TaskStatus[]> {
    const clients = this.#clients();
    const bindings = this.#bindings();
    const source = bindings.find(({ stage }) => stage === "departures")!;
    const reader = bindings.find(({ stage }) => stage === "by-origin")!;
    const nameOf = (stage: string, partition: string) =>
      taskName({ pipeline: this.#pipeline.name, generation: 0, stage, source: stage, incarnation: 0, partition });
    const inspect = (of: typeof source, ids: readonly string[]) =>
      inspectTasks({ ...clients, bindings: of, pipeline: this.#pipeline, partitions: ids });
    const sleep = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis));
    // Faults end with the input: until then all is read under them.
    while ((await this.stack.lag()).recordsBehind > 0) await sleep(100);
    try {
      return await drainAll({
        names: partitions.map((partition) => nameOf("departures", partition)),
        readers: SHARDS.map((shard) => nameOf("by-origin", shard)),
        send: async (task) => {
          const MessageBody = JSON.stringify({ type: "drain", task });
          await clients.sqs.send(new SendMessageCommand({ QueueUrl: source.tickQueueUrl, MessageBody }));
        },
        isSettled: async () => {
          const { recordsBehind, inFlight, hiddenMessages, visibleMessages } = await this.stack.lag();
          return recordsBehind + inFlight + hiddenMessages + visibleMessages === 0;
        },
        look: async () => [...(await inspect(source, partitions)), ...(await inspect(reader, SHARDS))],
        sleep,
        onSent: () => this.stack.calm(),
      });
    } finally {
      for (const client of [clients.dynamodb, clients.s3, clients.sqs]) client.destroy();
    }
  }

  /** The rows of the lake as its view has them, each output once, as texts, in order; and how many there were with repeats. */
  async rows(): Promise<{ readonly rows: readonly string[]; readonly raw: number }> {
    await this.stack.flushDeliveryStreams();
    const { outputs } = this.stack;
    const [bucket, prefix] = ["FlightsLakeBucket", "FlightsLakeHourlyDelaysPrefix"].map(
      (name) => outputs[name] ?? outputs[name.slice("Flights".length)]!,
    );
    const files = await this.stack.objectFiles(bucket!, prefix!);
    const found = new Map<string, string>();
    let raw = 0;
    for (const file of files) {
      const bytes = readFileSync(file);
      const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
      for (const row of await parquetReadObjects({ file: buffer, compressors })) {
        raw++;
        const { output_id, origin, window_start: windowStart, flights, delay } = row as Record<string, unknown>;
        const text = `${String(origin)} ${(windowStart as Date).toISOString()} ${String(flights)} ${String(delay)}`;
        const before = found.get(String(output_id));
        if (before !== undefined && before !== text)
          throw new Error(`${String(output_id)} is two rows: ${before}, ${text}`);
        found.set(String(output_id), text);
      }
    }
    return { rows: [...found.values()].toSorted(), raw };
  }

  async stop(): Promise<void> {
    await this.stack.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #bindings() {
    return this.stack.resources.flatMap(({ type, properties }) => {
      const { Variables } = (properties["Environment"] ?? {}) as { readonly Variables?: Record<string, string> };
      return type === "AWS::Lambda::Function" && Variables?.[BINDINGS_VARIABLE] !== undefined
        ? [readBindings(Variables)]
        : [];
    });
  }

  #clients() {
    const { endpoints } = this.stack;
    const common = {
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
      maxAttempts: 10,
    };
    return {
      dynamodb: new DynamoDBClient({ ...common, endpoint: endpoints.dynamodb }),
      s3: new S3Client({ ...common, endpoint: endpoints.s3, forcePathStyle: true }),
      sqs: new SQSClient({ ...common, endpoint: endpoints.sqs }),
    };
  }
}
