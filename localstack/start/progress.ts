import type { LocalStack } from "../types.ts";
import type { Deployment } from "./deployment.ts";
import { MetricReader } from "./metrics.ts";
import { duration, instant, whole, type Printer } from "./print.ts";

/** How many events a shard's task may be behind before the feed waits: about what it folds in a second. */
const MOST_BEHIND_PER_SHARD = 5_000;
const MILLIS_BETWEEN_LOOKS = 200;

export interface ProgressOptions {
  readonly deployment: Deployment;
  readonly printer: Printer;
  readonly shards: number;
  readonly total: number;
  readonly sleep: (millis: number) => Promise<void>;
}

/** Looks at the stack all the time, shows how far it is, and lets others wait for it. */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #began = performance.now();
  #lastShown = Number.NEGATIVE_INFINITY;
  #pushed = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  pushed(count: number): void {
    this.#pushed += count;
  }

  /** Events pushed so far. */
  get count(): number {
    return this.#pushed;
  }

  /** Resolves when the backlog is short, so that latencies are the pipeline's and not the backlog's. */
  readonly mayPut = async (): Promise<void> => {
    const { shards, sleep } = this.#options;
    while ((await this.#look()).recordsBehind > shards * MOST_BEHIND_PER_SHARD) await sleep(MILLIS_BETWEEN_LOOKS / 4);
  };

  /** Resolves when everything pushed is committed and no function is at work. */
  async untilCommitted(): Promise<void> {
    for (;;) {
      const { recordsBehind, inFlight } = await this.#look();
      if (recordsBehind === 0 && inFlight === 0) return;
      await this.#options.sleep(MILLIS_BETWEEN_LOOKS);
    }
  }

  async #look(): ReturnType<LocalStack["lag"]> {
    const lag = await this.#options.deployment.stack.lag();
    const now = performance.now();
    if (now - this.#lastShown >= 1_000) {
      this.#lastShown = now;
      this.#show(now);
    }
    return lag;
  }

  #show(now: number): void {
    const { deployment, printer, total } = this.#options;
    const { stack, source, stages } = deployment;
    const all = stack.behind();
    const behind = all[source.stream] ?? 0;
    // Records between stages hold many values each.
    const between = stages.slice(1).map(({ name, stream }) => `${name} ${whole(all[stream] ?? 0)}`);
    const metrics = new MetricReader(stack.metrics());
    // Such a task waits for a mended build, for ever: here there will be none.
    if (metrics.sum("SystemicFailures") > 0) {
      throw new Error(
        "A task has stopped: most records are poison, or the build does not fit its state. The reason is in the line " +
          "\"turn failed\" of the function's log, in the folder stack/logs beside the local stack's log.",
      );
    }
    // Windows of the last stage close last.
    const lag = metrics.last("WatermarkLag", { stage: stages.at(-1)!.name });
    const committed = Math.max(0, this.#pushed - behind);
    const parts = [
      `in ${whole(this.#pushed).padStart(whole(total).length)} of ${whole(total)}`,
      `committed ${whole(committed).padStart(whole(total).length)}`,
      `behind ${[whole(behind).padStart(6), ...between].join(", ")}`,
      `watermark ${lag === undefined ? "–".padEnd(16) : instant(Date.now() - lag)}`,
      `windows ${whole(metrics.sum("WindowsClosed"))}`,
      `late ${whole(metrics.sum("RecordsLate"))}`,
      `dead ${whole(metrics.sum("RecordsDead"))}`,
      duration(now - this.#began),
    ];
    printer.status(parts.join(" · "), now);
  }
}
