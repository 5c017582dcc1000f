import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { AddressInfo } from "node:net";
import { buildApp } from "fauxqs";
import { JsonClient } from "../gateway/json-client.ts";
import { packageEntry } from "../processes/compile-entry.ts";
import { account } from "../template/account.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";
import { ObjectStore, type S3ErrorMaker } from "./object-store.ts";
import { propertyText } from "../template/property-text.ts";

export interface QueueCounts {
  readonly name: string;
  readonly approximateMessageCount: number;
  readonly approximateInflightCount: number;
  readonly approximateDelayedCount: number;
}

/** S3 and SQS: fauxqs, with its objects on disk. */
export interface StorageEmulator {
  readonly port: number;
  /** The origin in the queue URLs by which the emulator knows its queues. */
  readonly queueOrigin: string;
  readonly objects: ObjectStore;
  readonly queues: JsonClient;
  /** The URL by which the emulator knows a queue. */
  readonly urlOf: (queueName: string) => string;
  /** The text of a queue's policy; "" where it has none. */
  policyOf(queueName: string): Promise<string>;
  queueCounts(): Promise<readonly QueueCounts[]>;
  /** The queue that a message was in before its receipts were too many, by its ARN; nothing for one that was sent. */
  movedFrom(messageId: string): string | undefined;
  /** Sends as a service of AWS does, past the gateway and its faults. */
  sendMessage(queueName: string, body: string): Promise<void>;
  stop(): Promise<void>;
}

type FauxqsOptions = NonNullable<Parameters<typeof buildApp>[0]>;

export async function startStorage(dataDirectory: string): Promise<StorageEmulator> {
  const objects = new ObjectStore(join(dataDirectory, "s3"), await s3ErrorMaker());
  // fauxqs declares its store with private members, so no other class fits its type; it calls only the public ones.
  const messages = await messageStore();
  const stores = { s3Store: objects, sqsStore: messages } as unknown as NonNullable<FauxqsOptions["stores"]>;
  const app = buildApp({ logger: false, stores });
  app.addHook("preHandler", async (request, reply) => {
    // fauxqs does not know conditional writes: PUT with If-None-Match: * fails when the object exists.
    if (request.method !== "PUT" || request.headers["if-none-match"] !== "*") return;
    const { bucket, "*": key } = request.params as { readonly bucket?: string; readonly "*"?: string };
    if (bucket === undefined || key === undefined || key === "" || !objects.hasBucket(bucket)) return;
    if (!objects.hasObject(bucket, key)) return;
    await reply
      .status(412)
      .header("content-type", "application/xml")
      .send(
        '<?xml version="1.0" encoding="UTF-8"?><Error><Code>PreconditionFailed</Code>' +
          "<Message>At least one of the pre-conditions you specified did not hold</Message>" +
          "<Condition>If-None-Match</Condition></Error>",
      );
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  const port = (app.server.address() as AddressInfo).port;
  const queues = new JsonClient(port, "AmazonSQS", "application/x-amz-json-1.0");
  const queueOrigin = `http://sqs.${account.region}.localhost:${port}`;
  const urlOf = (queueName: string) => `${queueOrigin}/${account.id}/${queueName}`;
  return {
    port,
    queueOrigin,
    objects,
    queues,
    urlOf,
    policyOf: async (queueName) => {
      const input = { QueueUrl: urlOf(queueName), AttributeNames: ["Policy"] };
      const answer = (await queues.call("GetQueueAttributes", input)) as { Attributes?: { Policy?: string } };
      return answer.Attributes?.Policy ?? "";
    },
    queueCounts: async () => {
      // Else what is hidden in a queue that nobody reads would be hidden for ever.
      messages.processAllTimers();
      return (await app.inject({ method: "GET", url: "/_fauxqs/queues" })).json<readonly QueueCounts[]>();
    },
    movedFrom: (messageId) => messages.movedFrom.get(messageId),
    sendMessage: async (queueName, MessageBody) => {
      await queues.call("SendMessage", { QueueUrl: urlOf(queueName), MessageBody });
    },
    stop: async () => {
      queues.close();
      await app.close();
    },
  };
}

interface MessageStore {
  processAllTimers(): void;
  /** By message, the ARN of the queue that set it aside. */
  readonly movedFrom: ReadonlyMap<string, string>;
}

interface FauxqsQueue {
  readonly arn: string;
  dequeue(count: number, visibilitySeconds?: number, queueOf?: QueueOf): unknown;
  enqueue(message: { readonly messageId: string }): void;
}

type QueueOf = (arn: string) => FauxqsQueue | undefined;

/** What fauxqs would make for itself, to be asked for more than its interface tells. */
async function messageStore(): Promise<MessageStore> {
  const file = join(fileURLToPath(packageEntry("fauxqs")), "..", "sqs", "sqsStore.js");
  const { SqsStore } = (await import(pathToFileURL(file).href)) as {
    readonly SqsStore: new () => {
      processAllTimers(): void;
      createQueue(...args: readonly unknown[]): FauxqsQueue;
    };
  };
  const movedFrom = new Map<string, string>();
  class NotingStore extends SqsStore {
    readonly movedFrom = movedFrom;
    override createQueue(...args: readonly unknown[]): FauxqsQueue {
      const queue = super.createQueue(...args);
      const dequeue = queue.dequeue.bind(queue);
      queue.dequeue = (count, visibilitySeconds, queueOf) =>
        dequeue(count, visibilitySeconds, queueOf && notingMoves(queue.arn, queueOf, movedFrom));
      return queue;
    }
  }
  return new NotingStore();
}

/** Finds queues for what is set aside, and notes where that was. */
function notingMoves(from: string, queueOf: QueueOf, movedFrom: Map<string, string>): QueueOf {
  return (arn) => {
    const aside = queueOf(arn);
    if (aside === undefined) return undefined;
    const noting = Object.create(aside) as FauxqsQueue;
    noting.enqueue = (message) => {
      movedFrom.set(message.messageId, from);
      aside.enqueue(message);
    };
    return noting;
  };
}

/** fauxqs turns only its own error class into an S3 answer, and does not export it. */
async function s3ErrorMaker(): Promise<S3ErrorMaker> {
  const file = join(fileURLToPath(packageEntry("fauxqs")), "..", "common", "errors.js");
  const { S3Error } = (await import(pathToFileURL(file).href)) as {
    readonly S3Error: new (code: string, message: string, status: number) => Error;
  };
  return (code, message, status) => new S3Error(code, message, status);
}

const queueAttributes = [
  "DelaySeconds",
  "VisibilityTimeout",
  "MessageRetentionPeriod",
  "MaximumMessageSize",
  "ReceiveMessageWaitTimeSeconds",
  "FifoQueue",
  "ContentBasedDeduplication",
] as const;

/** Queues default to 256 KiB on AWS, whatever the emulator's default is. */
const defaultMaximumMessageSize = "262144";

/** Creates the queue and gives the URL by which the emulator itself knows it. */
export async function createQueue(client: JsonClient, resource: ResolvedResource): Promise<string> {
  const Attributes: Record<string, string> = { MaximumMessageSize: defaultMaximumMessageSize };
  for (const name of queueAttributes) {
    const value = resource.properties[name];
    if (value !== undefined) Attributes[name] = propertyText(value);
  }
  const redrive = resource.properties["RedrivePolicy"];
  if (redrive !== undefined)
    Attributes["RedrivePolicy"] = typeof redrive === "string" ? redrive : JSON.stringify(redrive);
  const answer = (await client.call("CreateQueue", { QueueName: resource.name, Attributes })) as {
    readonly QueueUrl: string;
  };
  return answer.QueueUrl;
}
