import type { S3Client } from "@aws-sdk/client-s3";
import type { Lake } from "millrace";
import { messageOf, MillraceError, poisonError } from "../../lib/errors.ts";
import type { SourceDeclaration } from "../../lib/pipeline/source.ts";
import { validate } from "../../lib/schema.ts";
import { toEpochMillis } from "../../lib/time/instant.ts";
import { eventsOf, type ArchivedEvent } from "./events.ts";
import { archivedObjects, type ArchivePlace } from "./objects.ts";
import type { Progress } from "./progress.ts";

/** What takes the events: a producer of the source's stream. */
export interface Taker {
  /** @throws poison errors for what the pipeline would refuse; others that end the replay */
  send(event: unknown): Promise<unknown>;
  flush(): Promise<void>;
}

export interface ReplaySettings {
  readonly s3: S3Client;
  readonly place: ArchivePlace;
  readonly source: SourceDeclaration;
  readonly lake: Lake<never> | undefined;
  /** Undefined to look at the events alone. */
  readonly taker: Taker | undefined;
  readonly progress: Progress | undefined;
  /** Events a second. */
  readonly rate: number;
  readonly isInterrupted: () => boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly sleep: (millis: number) => Promise<unknown>;
  /** Is told of each event that was refused. */
  readonly refused: (key: string, index: number, why: string) => void;
  /** Is told now and then. */
  readonly told: (result: ReplayResult, key: string) => void;
}

/** What came of a replay. */
export interface ReplayResult {
  readonly objects: number;
  readonly events: number;
  /** Rows of a lake that were there before, under the same output id. */
  readonly repeats: number;
  readonly refused: number;
  /** By how many milliseconds an event came behind the largest event time before it. */
  readonly disorder: number;
}

/** Events that are on their way before it is noted how far the replay is. */
const PORTION = 1_000;

/** Output ids that are known at a time: a lake's repeats lie near each other. */
const KNOWN_IDS = 1_000_000;

/**
 * Sends the events of objects again: object by object in the order of their keys, each in its own order, so that those of a key keep
 * theirs. At least once: what was sent after the last note is sent again by the next run.
 */
export async function replay(settings: ReplaySettings): Promise<ReplayResult> {
  const { s3, place, lake, progress, isInterrupted, told } = settings;
  const run = new Run(settings);
  const from = progress?.place;
  for await (const object of archivedObjects(s3, place, from?.key)) {
    const first = object.key === from?.key ? from.index : 0;
    let next = first;
    for await (const event of eventsOf({ s3, bucket: place.bucket, lake }, object, first)) {
      await run.take(object.key, event);
      next = event.index + 1;
      if (!run.isFull) continue;
      await run.flush();
      progress?.note({ key: object.key, index: next });
      told(run.result, object.key);
      if (isInterrupted()) return run.result;
    }
    await run.flush();
    run.objects++;
    progress?.note({ key: object.key, index: next });
    told(run.result, object.key);
    if (isInterrupted()) return run.result;
  }
  progress?.note(progress.place, true);
  return run.result;
}

/** What the pipeline's own code throws at makes a dead letter there. */
function ofUserCode<T>(code: () => T): T {
  try {
    return code();
  } catch (cause) {
    throw poisonError({ code: "user-code/threw", message: messageOf(cause), cause });
  }
}

class Run {
  objects = 0;
  readonly #settings: ReplaySettings;
  readonly #known = new Set<string>();
  #sending: { readonly key: string; readonly index: number; readonly sent: Promise<unknown> }[] = [];
  #began: number;
  #events = 0;
  #repeats = 0;
  #refused = 0;
  #disorder = 0;
  #largest = Number.NEGATIVE_INFINITY;

  constructor(settings: ReplaySettings) {
    this.#settings = settings;
    this.#began = settings.now();
  }

  get isFull(): boolean {
    return this.#sending.length >= PORTION;
  }

  get result(): ReplayResult {
    return {
      objects: this.objects,
      events: this.#events,
      repeats: this.#repeats,
      refused: this.#refused,
      disorder: this.#disorder,
    };
  }

  async take(key: string, { index, read, outputId }: ArchivedEvent): Promise<void> {
    const { taker, source } = this.#settings;
    if (outputId !== undefined && this.#isRepeat(outputId)) {
      this.#repeats++;
      return;
    }
    try {
      if ("problem" in read) throw read.problem;
      this.#follow(source, read.event);
      const sent = taker?.send(read.event) ?? Promise.resolve();
      sent.catch(() => undefined); // it is asked for at the flush
      this.#sending.push({ key, index, sent });
    } catch (thrown) {
      this.#refuse(key, index, thrown);
    }
  }

  /** Waits until all that was sent is there. @throws what ends the replay */
  async flush(): Promise<void> {
    const { taker, rate, now, sleep } = this.#settings;
    await taker?.flush();
    for (const { key, index, sent } of this.#sending) {
      try {
        await sent;
        this.#events++;
      } catch (thrown) {
        this.#refuse(key, index, thrown);
      }
    }
    const early = (this.#sending.length / rate) * 1_000 - (now() - this.#began);
    this.#sending = [];
    if (early > 0) await sleep(early);
    this.#began = now();
  }

  /** Event time, as the pipeline will see it. @throws poison errors for what it would refuse, or what its code throws at */
  #follow({ schema, ...source }: SourceDeclaration, event: unknown): void {
    const value = validate(schema, event);
    const time = toEpochMillis(ofUserCode(() => (source.eventTime as (value: unknown) => unknown)(value)));
    for (const take of Object.values(source.key)) ofUserCode(() => (take as (value: unknown) => unknown)(value));
    this.#disorder = Math.max(this.#disorder, this.#largest - time);
    this.#largest = Math.max(this.#largest, time);
  }

  #refuse(key: string, index: number, thrown: unknown): void {
    if (!(thrown instanceof MillraceError && thrown.kind === "poison")) throw thrown;
    this.#refused++;
    this.#settings.refused(key, index, messageOf(thrown));
  }

  #isRepeat(id: string): boolean {
    if (this.#known.has(id)) return true;
    this.#known.add(id);
    if (this.#known.size > KNOWN_IDS) this.#known.delete(this.#known.values().next().value!);
    return false;
  }
}
