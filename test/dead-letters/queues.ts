import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { DeadLetterWriter } from "../../lib/connectors/sqs/dead-letters.ts";
import { poisonError } from "../../lib/errors.ts";
import { DEAD_LETTERS } from "../../lib/runtime/dead-letter.ts";
import type { RecordDecoder } from "../../lib/runtime/record.ts";
import { parseControlMessage } from "../../lib/runtime/tick.ts";
import { S3Objects } from "../../lib/s3/objects.ts";
import { LetterQueue } from "../../tools/dead-letters/letter-queue.ts";
import type { Place } from "../../tools/dead-letters/place.ts";
import { redriveAll, type RedriveOptions, type RedriveSummary } from "../../tools/dead-letters/redrive.ts";
import { startS3, type Emulator } from "../support/emulators.ts";
import { eventsPipeline, type Event } from "../support/events-pipeline.ts";
import { record, Rig, SHARD, type RigOptions } from "../support/rig.ts";

const LOCAL = { region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
const BUCKET = "state";

/** Real queues and a real bucket, for any number of pipelines. */
export class Queues {
  readonly #emulator: Emulator;
  readonly sqs: SQSClient;
  readonly objects: S3Objects;
  #pipelines = 0;

  private constructor(emulator: Emulator, s3: S3Client) {
    this.#emulator = emulator;
    this.sqs = this.newClient();
    this.objects = new S3Objects(s3, BUCKET);
  }

  static async start(): Promise<Queues> {
    const emulator = await startS3();
    const s3 = new S3Client({ ...LOCAL, endpoint: emulator.endpoint, forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
    return new Queues(emulator, s3);
  }

  stop(): Promise<void> {
    return this.#emulator.stop();
  }

  newClient(): SQSClient {
    return new SQSClient({ ...LOCAL, endpoint: this.#emulator.endpoint, maxAttempts: 1 });
  }

  /** A pipeline whose broken build made dead letters of some of its records. */
  async pipeline(events: readonly Event[], isBroken: (sequence: number) => boolean): Promise<FailedPipeline> {
    const name = `p${++this.#pipelines}`;
    const [queueUrl, controlQueueUrl] = await Promise.all(
      ["letters", "control"].map(async (queue) => {
        const { QueueUrl } = await this.sqs.send(new CreateQueueCommand({ QueueName: `${name}-${queue}` }));
        return QueueUrl!;
      }),
    );
    const tasks = "events-pipeline:0:events:events.0:";
    const place = { queueUrl: queueUrl!, bucket: BUCKET, stages: [{ tasks, controlQueueUrl: controlQueueUrl! }] };
    const pipeline = new FailedPipeline(this, place);
    await pipeline.fail(events, isBroken);
    return pipeline;
  }
}

interface Surroundings {
  readonly client?: SQSClient;
  readonly isOver?: () => boolean;
  /** What happens after each batch of the command. */
  readonly meanwhile?: () => Promise<unknown>;
}

export class FailedPipeline {
  readonly rig = new Rig(eventsPipeline());
  readonly place: Place;
  readonly #queues: Queues;

  constructor(queues: Queues, place: Place) {
    this.#queues = queues;
    this.place = place;
  }

  get #options(): RigOptions {
    const { sqs: client, objects } = this.#queues;
    const { queueUrl, bucket } = this.place;
    const letters = new DeadLetterWriter({ client, queueUrl, objects, bucket, wait: () => Promise.resolve() });
    // The rig's own sink knows them too, for its checks.
    const both = {
      deliver: async (items: Parameters<typeof letters.deliver>[0]) => {
        await this.rig.sinks.get(DEAD_LETTERS)!.deliver(items);
        return letters.deliver(items);
      },
    };
    return { wrapSink: (name, sink) => (name === DEAD_LETTERS ? both : sink), wrapObjects: () => objects };
  }

  async fail(events: readonly Event[], isBroken: (sequence: number) => boolean): Promise<void> {
    const { rig } = this;
    await rig
      .process({
        ...this.#options,
        decode: (incoming) => {
          if (!isBroken(Number(incoming.position.sequence))) return rig.decode(incoming);
          throw poisonError({ code: "test/broken", message: "Cannot." });
        },
      })
      .records(
        SHARD,
        events.map((event, i) => record(i + 1, event)),
      );
  }

  /** Runs the command's redrive. */
  redrive(
    options: Partial<RedriveOptions> = {},
    { client = this.#queues.sqs, isOver = () => false, meanwhile = async () => undefined }: Surroundings = {},
  ): Promise<RedriveSummary> {
    const queue = new LetterQueue(client, this.place.queueUrl, 1);
    return redriveAll(
      queue,
      { selection: { all: true }, dryRun: false, rate: 10_000, ...options },
      {
        client,
        objects: this.#queues.objects,
        place: this.place,
        isOver,
        onProgress: () => undefined,
        now: () => 0,
        sleep: async () => void (await meanwhile()),
      },
    );
  }

  /** The function and its mapping: all control messages, each given `times` times. */
  async consume(times = 1, decode: RecordDecoder = this.rig.decode): Promise<number> {
    const QueueUrl = this.place.stages[0]!.controlQueueUrl;
    for (let consumed = 0; ;) {
      const { Messages = [] } = await this.#queues.sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
      );
      if (Messages.length === 0) return consumed;
      for (const { Body, ReceiptHandle } of Messages) {
        for (let i = 1; i <= times; i++) {
          await this.rig.process({ ...this.#options, decode }).control(parseControlMessage(Body!)!, i);
        }
        await this.#queues.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        consumed++;
      }
    }
  }

  /** Puts a message into the dead-letter queue. */
  async put(MessageBody: string): Promise<void> {
    await this.#queues.sqs.send(new SendMessageCommand({ QueueUrl: this.place.queueUrl, MessageBody }));
  }

  queue(client = this.#queues.sqs): LetterQueue {
    return new LetterQueue(client, this.place.queueUrl, 1);
  }
}
