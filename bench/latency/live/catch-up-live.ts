import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import type * as z from "zod";
import { table, whole } from "../../affinity/tables.ts";
import { packageVersions, writeResult } from "../../harness/results.ts";
import { shown } from "../../harness/statistics.ts";
import { say } from "../../harness/work.ts";
import pipeline, { seconds as sink, type happening } from "./catch-up-pipeline.ts";
import { LiveStack } from "./live-stack.ts";

export interface LiveCatchUp {
  /** Records of the largest batch. */
  readonly batchSize: number;
  /** Events a second that went on to come. */
  readonly rate: number;
  /** Events that had gathered. */
  readonly backlog: number;
  /** From the mapping's start, that of a function among it, until no more was unread than a batch's window brings. */
  readonly seconds: number;
  /** That were read until then. */
  readonly events: number;
  readonly invocations: number;
  readonly eventsPerInvocationAfter: number;
  /** Windows whose count was compared, over the whole run. */
  readonly windows: number;
}

export interface LiveCatchUpResult {
  readonly runs: readonly LiveCatchUp[];
}

/** The mapping's, seconds: the construct's default. */
const WINDOW = 5;
const RATE = 300;
const BACKLOGS = [60_000, 180_000];
const BATCH_SIZES = [1_000, 8_000];
/** Seconds that are looked at once it has caught up. */
const AFTER = 20;
/** Seconds within which it is to have. */
const MOST = 120;
const PLACES = 5;

const NOT_MEASURED = [
  "AWS: emulators in JavaScript stand for Kinesis, DynamoDB and SQS, on this machine and beside other work. A shard here gives more than 2 MB a second, and what bounds a run is this machine's processors.",
  "One run each: figures by the clock differ from run to run.",
  "A large state, late records, a sink that cannot keep up: events come in order here, and windows are of a second at five places.",
  "More than one shard, and more than one stage.",
];

/** `npm run bench -- catch-up-live`: how long the local stack takes, by the clock, to read what has gathered. */
export async function catchUpLive(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rate: { type: "string", default: String(RATE) },
      backlogs: { type: "string", default: BACKLOGS.join() },
      batches: { type: "string", default: BATCH_SIZES.join() },
      write: { type: "boolean", default: true },
    },
    allowNegative: true,
  });
  const numbers = (text: string) => text.split(",").map(Number);
  const runs: LiveCatchUp[] = [];
  for (const batchSize of numbers(values.batches))
    for (const backlog of numbers(values.backlogs)) runs.push(await runOf(batchSize, backlog, Number(values.rate)));
  const result: LiveCatchUpResult = { runs };
  const line = lineOf(result);
  console.log(`${liveCatchUpTable(result)}\n\n${line}`);
  if (!values.write) return;
  const versions = packageVersions("kinesalite", "dynalite", "fauxqs");
  await writeResult("catch-up-live", { figures: result, notMeasured: NOT_MEASURED, line, versions });
}

async function runOf(batchSize: number, backlog: number, rate: number): Promise<LiveCatchUp> {
  say(`${backlog} events behind at ${rate} a second, ${batchSize} a batch`);
  const handler = "bench/latency/live/catch-up-handler.ts";
  const stack = await LiveStack.start({ pipeline, handler, window: WINDOW, batchSize, isOff: true });
  try {
    const events = new Happenings(stack);
    await events.gather(backlog, rate);
    if (stack.sum("RecordsIn") > 0) throw new Error("Something was read although the mapping was off.");
    const coming = new AbortController();
    const came = events.come(rate, coming.signal);
    const began = performance.now();
    const secondsSince = () => (performance.now() - began) / 1_000;
    await stack.switchOn();
    while (events.count - stack.sum("RecordsIn") > rate * (WINDOW + 1)) {
      if (secondsSince() > MOST)
        throw new Error(`${stack.sum("RecordsIn")} of ${events.count} were read in ${MOST} s.`);
      await wait(20);
    }
    const until = { seconds: secondsSince(), events: stack.sum("RecordsIn"), invocations: stack.invocations };
    await wait(AFTER * 1_000);
    const after = {
      events: stack.sum("RecordsIn") - until.events,
      invocations: stack.invocations - until.invocations,
    };
    coming.abort();
    await came;
    const windows = await events.checkWindows();
    return {
      ...{ batchSize, rate, backlog, windows },
      ...until,
      eventsPerInvocationAfter: after.events / after.invocations,
    };
  } finally {
    await stack.stop();
  }
}

type Happening = z.infer<typeof happening>;

interface Row {
  readonly place: string;
  readonly windowStart: number;
  readonly happenings: number;
}

const secondOf = (at: number): number => at - (at % 1_000);

/** What is put, and what its windows must come to. */
class Happenings {
  readonly #stack: LiveStack;
  readonly #windows = new Map<string, number>();
  count = 0;

  constructor(stack: LiveStack) {
    this.#stack = stack;
  }

  /** What has happened until now at a rate, at once. */
  async gather(events: number, rate: number): Promise<void> {
    const from = Date.now() - (events * 1_000) / rate;
    const PIECE = 500; // of one PutRecords
    for (let n = 0; n < events; n += PIECE) {
      const piece = Array.from({ length: Math.min(PIECE, events - n) }, (_, i) => from + ((n + i) * 1_000) / rate);
      await this.#put(piece);
    }
  }

  /** Happens at a rate from now on, ten requests a second. */
  async come(rate: number, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    for (let put = 0; !signal.aborted;) {
      await wait(100);
      const due = Math.floor(((performance.now() - began) * rate) / 1_000) - put;
      put += due;
      await this.#put(Array.from({ length: due }, () => Date.now()));
    }
  }

  async #put(times: readonly number[]): Promise<void> {
    const happenings = times.map((at, i): Happening => ({
      place: `P${(this.count + i) % PLACES}`,
      at: Math.floor(at),
    }));
    if (happenings.length === 0) return;
    await this.#stack.put(happenings);
    this.count += happenings.length;
    for (const { place, at } of happenings) {
      const window = `${place} ${secondOf(at)}`;
      this.#windows.set(window, (this.#windows.get(window) ?? 0) + 1);
    }
  }

  /** Ends every window that is open, and compares all. @returns how many there were @throws when one is missing, wrong or there twice */
  async checkWindows(): Promise<number> {
    const expected = new Map(this.#windows);
    await wait(1_000);
    await this.#put([Date.now()]); // ends those before it, and its own stays open
    for (let waited = 0; waited < 3 * WINDOW && this.#stack.sum("RecordsIn") < this.count; waited++) await wait(1_000);
    const rows = await this.#stack.take<Row>(sink.name, expected.size);
    for (const { body } of rows) {
      const window = `${body.place} ${body.windowStart}`;
      if (expected.get(window) !== body.happenings)
        throw new Error(`${window} has ${body.happenings} of ${expected.get(window) ?? "no"} events.`);
      expected.delete(window);
    }
    if (expected.size > 0 || this.#stack.sum("RecordsIn") !== this.count)
      throw new Error(
        `${expected.size} windows have not come; ${this.#stack.sum("RecordsIn")} of ${this.count} were read.`,
      );
    return rows.length;
  }
}

export const liveCatchUpTable = ({ runs }: LiveCatchUpResult): string =>
  table(
    [
      "records a batch at most, events a second, behind",
      "s until caught up",
      "events read until then",
      "events a second read",
      "invocations",
      "events an invocation",
      "events an invocation after that",
      "windows compared",
    ],
    runs.map((one) => [
      `${whole(one.batchSize)}, ${whole(one.rate)}, ${whole(one.backlog)} events`,
      shown(one.seconds),
      ...[one.events, one.events / one.seconds, one.invocations, one.events / one.invocations].map(whole),
      whole(one.eventsPerInvocationAfter),
      whole(one.windows),
    ]),
  );

function lineOf({ runs }: LiveCatchUpResult): string {
  const most = Math.max(...runs.map(({ backlog }) => backlog));
  const told = runs
    .filter(({ backlog }) => backlog === most)
    .map(
      ({ seconds, events, invocations, batchSize }) =>
        `${shown(seconds)} s in ${whole(invocations)} invocations of up to ${whole(batchSize)} (${whole(events / seconds)} events a second)`,
    );
  return `on the local stack, ${whole(most)} events behind while ${whole(runs[0]!.rate)} a second go on to come: caught up after ${told.join(", ")}`;
}
