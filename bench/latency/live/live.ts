import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import type * as z from "zod";
import { table, whole } from "../../affinity/tables.ts";
import { packageVersions, writeResult } from "../../harness/results.ts";
import { shown } from "../../harness/statistics.ts";
import { say } from "../../harness/work.ts";
import { quantiles, type Quantiles } from "../latency.ts";
import { LiveStack, type Sent } from "./live-stack.ts";
import pipeline, { counts, seen, type pulse } from "./pipeline.ts";

/** Milliseconds; median and what 99 of a hundred are below. */
export interface LiveSteps {
  readonly rate: number;
  /** The mapping's batching window, seconds. */
  readonly window: number;
  readonly events: number;
  readonly eventsPerInvocation: number;
  /** From before the request that put it to the function's code. */
  readonly toCode: Quantiles;
  /** From the function's code to the queue's own clock. */
  readonly codeToSink: Quantiles;
  readonly toSink: Quantiles;
  /** What functions measured themselves: from the stream's clock to the commit, and to the delivery of all of it. */
  readonly arrivalToCommit: Quantiles;
  readonly arrivalToDelivery: Quantiles;
  /** From a window's end to its row in the queue, whose events come on. */
  readonly windowToSink: Quantiles;
}

export interface LiveBurst {
  readonly events: number;
  /** Seconds from the first put to the last, and to the last row in the queue. */
  readonly pushed: number;
  readonly done: number;
}

export interface LiveResult {
  readonly seconds: number;
  readonly steps: readonly LiveSteps[];
  readonly burst: LiveBurst;
}

type Pulse = z.infer<typeof pulse>;
type SeenRow = { readonly n: number; readonly putAt: number; readonly foldedAt: number };
type CountRow = {
  readonly place: string;
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly pulses: number;
};

const RATES = [10, 100, 300];
const WINDOWS = [0, 1];
const PLACES = 5;

const NOT_MEASURED = [
  "AWS: emulators in JavaScript stand for Kinesis, DynamoDB and SQS, on this machine and beside other work; the mappings, and what puts the events, share a process.",
  "Polling as Lambda does it: here a put wakes the mapping, while on AWS it asks a shard once a second. So without a window the first step is shorter here than in the simulation, by about half a second.",
  "The start of environments: one is warm before the clock runs.",
  "Firehose: rows go to queues, ten a request. A lake's files wait for its buffer beside that.",
  "More than one shard, and more than one stage.",
];

/** `npm run bench -- latency-live`: the same steps by the clock, on the local stack. */
export async function latencyLive(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "20" },
      rates: { type: "string", default: RATES.join() },
      burst: { type: "string", default: "10000" },
      write: { type: "boolean", default: true },
    },
    allowNegative: true,
  });
  const seconds = Number(values.seconds);
  const steps: LiveSteps[] = [];
  let burst: LiveBurst | undefined;
  for (const window of WINDOWS) {
    say(`starting the local stack, batches of ${window} s`);
    const stack = await LiveStack.start({ pipeline, handler: "bench/latency/live/handler.ts", window });
    try {
      const run = new LiveRun(stack);
      await run.steps(20, 3); // a function is started, and V8's code is made
      for (const rate of values.rates.split(",").map(Number)) {
        say(`${rate} events a second for ${seconds} s`);
        steps.push({ ...(await run.steps(rate, seconds)), window });
      }
      if (window === WINDOWS.at(-1)) burst = await run.burst(Number(values.burst));
    } finally {
      await stack.stop();
    }
  }
  const result: LiveResult = { seconds, steps, burst: burst! };
  const line = lineOf(result);
  console.log(`${liveTable(result)}\n\n${line}`);
  if (!values.write) return;
  const versions = packageVersions("kinesalite", "dynalite", "fauxqs");
  await writeResult("latency-live", { figures: result, notMeasured: NOT_MEASURED, line, versions });
}

class LiveRun {
  readonly #stack: LiveStack;
  #n = 0;

  constructor(stack: LiveStack) {
    this.#stack = stack;
  }

  /** Events at a rate, ten requests a second at most. @throws when a row is missing or wrong */
  async steps(rate: number, seconds: number): Promise<Omit<LiveSteps, "window">> {
    const before = {
      invocations: this.#stack.invocations,
      commits: this.#stack.samples("CommitLatency").length,
      deliveries: this.#stack.samples("DeliverLatency").length,
    };
    const perRequest = Math.max(1, Math.round(rate / 10));
    const requests = Math.round((rate * seconds) / perRequest);
    const began = performance.now();
    const put: Pulse[] = [];
    for (let i = 0; i < requests; i++) {
      await wait(Math.max(0, began + (i * perRequest * 1_000) / rate - performance.now()));
      put.push(...(await this.#put(perRequest)));
    }
    const rows = await this.#rowsOf(put);
    const invocations = this.#stack.invocations - before.invocations;
    const windows = this.#checkedWindows(await this.#stack.take<CountRow>(counts.name, Infinity), put);
    return {
      rate,
      events: put.length,
      eventsPerInvocation: put.length / invocations,
      toCode: quantiles(rows.map(({ body }) => body.foldedAt - body.putAt)),
      codeToSink: quantiles(rows.map(({ body, sentAt }) => sentAt - body.foldedAt)),
      toSink: quantiles(rows.map(({ body, sentAt }) => sentAt - body.putAt)),
      arrivalToCommit: quantiles(this.#stack.samples("CommitLatency").slice(before.commits)),
      arrivalToDelivery: quantiles(this.#stack.samples("DeliverLatency").slice(before.deliveries)),
      windowToSink: quantiles(windows),
    };
  }

  /** As many events as possible, until the last is in the queue. */
  async burst(events: number): Promise<LiveBurst> {
    say(`a burst of ${events} events`);
    const put: Pulse[] = [];
    while (put.length < events) put.push(...(await this.#put(Math.min(500, events - put.length))));
    const from = put[0]!.putAt;
    const pushed = (Date.now() - from) / 1_000;
    const rows = await this.#rowsOf(put);
    return { events, pushed, done: (Math.max(...rows.map(({ sentAt }) => sentAt)) - from) / 1_000 };
  }

  async #put(count: number): Promise<readonly Pulse[]> {
    const putAt = Date.now();
    const pulses = Array.from({ length: count }, (): Pulse => {
      const n = this.#n++;
      return { n, place: `P${n % PLACES}`, putAt };
    });
    await this.#stack.put(pulses);
    return pulses;
  }

  /** The row of each event. */
  async #rowsOf(put: readonly Pulse[]): Promise<readonly Sent<SeenRow>[]> {
    const taken = await this.#stack.take<SeenRow>(seen.name, put.length);
    const times = new Map(put.map(({ n, putAt }) => [n, putAt]));
    const isRight = ({ body }: Sent<SeenRow>) => times.get(body.n) === body.putAt && times.delete(body.n);
    if (!taken.every(isRight) || times.size > 0)
      throw new Error(
        `Of ${put.length} events ${times.size} are not in the queue; there are ${taken.length}, such as ${JSON.stringify(taken[0])}.`,
      );
    return taken;
  }

  /** Milliseconds from a window's end to its row, of those whose count is right: all but the last, which are open yet. */
  #checkedWindows(rows: readonly Sent<CountRow>[], put: readonly Pulse[]): readonly number[] {
    const [first, last] = [put[0]!.putAt, put.at(-1)!.putAt];
    const waited: number[] = [];
    for (const { body, sentAt } of rows) {
      const { windowStart: from, windowEnd: to } = body;
      if (from < first || to > last) continue; // of the run before, or of a tick
      const expected = put.filter(({ place, putAt }) => place === body.place && putAt >= from && putAt < to).length;
      if (body.pulses !== expected)
        throw new Error(`${body.place} has ${body.pulses} of ${expected} events in a second.`);
      waited.push(sentAt - to);
    }
    if (waited.length === 0) throw new Error("No window has come.");
    return waited;
  }
}

const pair = ([middle, most]: Quantiles): string => `${whole(middle)}, ${whole(most)}`;

export const liveTable = ({ steps }: LiveResult): string =>
  table(
    [
      "batches of, events a second",
      "events an invocation",
      "put to code, ms",
      "code to row in the sink, ms",
      "put to row in the sink, ms",
      "by the function: arrival to committed, ms",
      "arrival to delivered, ms",
      "window's end to its row, ms",
    ],
    steps.map((one) => [
      `${one.window} s, ${whole(one.rate)}`,
      shown(one.eventsPerInvocation),
      ...[one.toCode, one.codeToSink, one.toSink, one.arrivalToCommit, one.arrivalToDelivery, one.windowToSink].map(
        pair,
      ),
    ]),
  );

function lineOf({ steps, burst }: LiveResult): string {
  const usual = steps.find(({ rate, window }) => rate === 100 && window === 0) ?? steps[0]!;
  return `on the local stack at ${whole(usual.rate)} events a second, put to row in the sink ${whole(usual.toSink[0])} ms (${whole(usual.toCode[0])} to the function's code); a burst of ${whole(burst.events)} put within ${shown(burst.pushed)} s is in the sink after ${shown(burst.done)} s`;
}
