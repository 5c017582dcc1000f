import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { MillraceError, poisonError } from "../../errors.ts";
import { isOutOfTime } from "../../runtime/retries.ts";
import { fieldOf } from "../services.ts";
import { isEventOf, messagesIn, type IncomingMessage } from "../sqs/messages.ts";
import { sendAll } from "../sqs/send.ts";
import { OUT_OF_TIME, workOff } from "../sqs/work-off.ts";
import { BytesRecord } from "../unordered-bytes.ts";
import type { UnorderedConnector, UnorderedWork } from "../unordered-connector.ts";
import type { Line, Lines } from "./lines.ts";
import { continuation, objectsIn, type LinePlace, type ObjectPart } from "./notification.ts";
import { readObject } from "./read-object.ts";

const WHAT = "The source's queue";

/** How long what could not be delivered waits, where an object was read in part. Seconds. */
const PAUSE = 60;

/** The objects of a bucket, as a queue tells of them. Its address has `queueArn` and `queueUrl`. */
export const s3Source: UnorderedConnector = {
  isEvent: (event, address) => isEventOf(event, fieldOf(address, "queueArn", WHAT)),
  work(event, work) {
    const queueArn = fieldOf(work.address, "queueArn", WHAT);
    const messages = messagesIn(event as { readonly Records: readonly unknown[] }, queueArn);
    return workOff(messages, work, async (some, isSuspect) => {
      const again: string[] = [];
      for (const [i, message] of some.entries()) {
        // None is begun without time; the first is, so that each invocation gets something done.
        if (i > 0 && isOutOfTime(work.services.wait)) {
          work.notice(`${some.length - i} messages`, OUT_OF_TIME);
          return [...again, ...some.slice(i).map(({ id }) => id)];
        }
        const isDone = await workOffMessage(message, work, isSuspect).catch((thrown: unknown) => {
          work.failed(`message ${message.id}`, thrown);
          return false;
        });
        if (!isDone) again.push(message.id);
      }
      return again;
    });
  },
};

/** @returns whether it is done with @throws then it comes again */
async function workOffMessage(message: IncomingMessage, work: UnorderedWork, isSuspect: boolean): Promise<boolean> {
  let parts: readonly ObjectPart[];
  try {
    parts = objectsIn(message.body);
  } catch (thrown) {
    return setAside(message, work, thrown);
  }
  for (const part of parts) {
    const reading = new ObjectReading(part, message, work, isSuspect);
    if (!(await reading.run().catch((thrown: unknown) => reading.stopped(thrown)))) return false;
  }
  return true;
}

/** A message of which nothing can be read. */
async function setAside({ id, body, sent }: IncomingMessage, { runtime, failed }: UnorderedWork, thrown: unknown) {
  if (!(thrown instanceof MillraceError && thrown.kind === "poison")) throw thrown;
  const { again, cause } = await runtime.setAside(new BytesRecord(Buffer.from(body), { id, arrival: sent }), thrown);
  if (cause !== undefined) failed(`message ${id}`, cause);
  return again.size === 0;
}

/** One object as it is read, line by line: some at a time, each delivered before the next are read. */
class ObjectReading {
  #part: ObjectPart;
  readonly #message: IncomingMessage;
  readonly #work: UnorderedWork;
  readonly #isSuspect: boolean;
  /** All before it is done with. */
  #place: LinePlace;

  constructor(part: ObjectPart, message: IncomingMessage, work: UnorderedWork, isSuspect: boolean) {
    this.#part = part;
    this.#message = message;
    this.#work = work;
    this.#isSuspect = isSuspect;
    this.#place = part.from;
  }

  /** @returns whether the object is done with, here or by another message @throws what stands in the way */
  async run(): Promise<boolean> {
    const { services, failed } = this.#work;
    const { etag, lines } = await readObject(services.aws.of(S3Client), this.#part);
    this.#part = { ...this.#part, etag }; // what is read on must be the same
    let longest = 0;
    for await (const some of lines) {
      if (some.lines.length > 0) {
        const begun = services.now();
        const cause = await this.#fold(some, etag);
        if (cause !== undefined) {
          failed(this.#name(), cause);
          return this.#readOn(PAUSE);
        }
        longest = Math.max(longest, services.now() - begun);
      }
      if (some.end.line > this.#place.line) this.#place = some.end; // else it was passed over
      // Lambda's own time-out would end the process, and all that was done in this invocation were done again.
      if ((services.wait.left?.() ?? Number.POSITIVE_INFINITY) < 2 * longest) return this.#readOn(0);
    }
    return true;
  }

  /** What becomes of an object that cannot be read any further. @returns as {@link run} does */
  async stopped(thrown: unknown): Promise<boolean> {
    if (thrown instanceof MillraceError && thrown.kind === "poison") {
      // A message may tell of several objects: each letter has the name of its own.
      const { bucket, key, etag = "" } = this.#part;
      const id = `s3://${bucket}/${key}?etag=${etag}`;
      const body = continuation({ ...this.#part, from: this.#place });
      return setAside({ ...this.#message, id, body }, this.#work, thrown);
    }
    this.#work.failed(this.#name(), thrown);
    return thrown instanceof MillraceError && thrown.kind === "systemic" ? false : this.#readOn(PAUSE);
  }

  async #fold({ lines }: Lines, etag: string): Promise<Error | undefined> {
    const { runtime } = this.#work;
    const whole = lines.filter(({ isTooLong }) => !isTooLong).map((line) => this.#recordOf(line, etag));
    const { cause } = await (this.#isSuspect ? runtime.suspects(whole) : runtime.records(whole));
    if (cause !== undefined) return cause;
    for (const line of lines.filter(({ isTooLong }) => isTooLong)) {
      const aside = await runtime.setAside(this.#recordOf(line, etag), tooLong(line));
      if (aside.cause !== undefined) return aside.cause;
    }
    return undefined;
  }

  /** The id is of the content's place, and not of the message's: a second notification, or a replay, gives the same. */
  #recordOf({ index, bytes }: Line, etag: string): BytesRecord {
    const { bucket, key } = this.#part;
    return new BytesRecord(bytes, {
      id: `s3://${bucket}/${key}?etag=${etag}#${index}`,
      arrival: this.#message.sent,
      index,
    });
  }

  /**
   * Has another invocation read on from where this one is: by a message of its own, so that it counts no receives. Where nothing was
   * done the message itself comes again.
   */
  async #readOn(delaySeconds: number): Promise<boolean> {
    if (this.#place.line === this.#part.from.line) {
      if (delaySeconds > 0) return false;
      throw poisonError({
        code: "s3/too-large",
        message: `${this.#name()}: an invocation's time is over before anything of it was read.`,
        advice:
          "Give the function more time or memory, or put smaller objects: what is compressed is read from its beginning.",
      });
    }
    const { services, address } = this.#work;
    const settings = {
      client: services.aws.of(SQSClient),
      queueUrl: fieldOf(address, "queueUrl", WHAT),
      wait: services.wait,
    };
    await sendAll(settings, [{ body: continuation({ ...this.#part, from: this.#place }), delaySeconds }]);
    return true;
  }

  #name(): string {
    const { bucket, key } = this.#part;
    return `s3://${bucket}/${key} from line ${this.#place.line}`;
  }
}

const tooLong = ({ bytes }: Line) =>
  poisonError({
    code: "s3/line-too-long",
    message: `The line is longer than ${bytes.length} bytes: the dead letter has its beginning alone.`,
  });
