import { seededRandom, type Random } from "./random.ts";
import type { FaultName, FaultPlan, Health } from "./types.ts";

const names = [
  "killWorker",
  "repeatBatch",
  "cutBatch",
  "throttleTable",
  "loseTableAnswer",
  "throttleStream",
  "loseStreamAnswer",
  "failSink",
  "failSinkPartly",
  "repeatSink",
  "delaySink",
  "earlyChild",
] as const satisfies readonly FaultName[];

/**
 * Draws faults. Every kind has a random stream of its own, so that the draws of one do not depend on how
 * often another was asked.
 */
export class Faults {
  readonly delayMillis: number;
  private readonly plan: FaultPlan | undefined;
  private readonly streams: Readonly<Record<FaultName, Random>>;
  private readonly counts: Record<FaultName, number>;
  private calmed = false;
  /** How delivery streams answer functions, whatever the plan says. */
  deliveryStreams: Health = "well";

  constructor(plan: FaultPlan | undefined) {
    this.plan = plan;
    this.delayMillis = plan?.delayMillis ?? 0;
    const seed = plan?.seed ?? 0;
    this.streams = everyName((name) => seededRandom(seed, name));
    this.counts = everyName(() => 0);
  }

  /** Whether this fault strikes now. Does not count it: what was drawn may still not come to pass. */
  strikes(name: FaultName): boolean {
    if (this.calmed || this.plan === undefined) return false;
    const probability = this.plan[name];
    return probability > 0 && this.streams[name]() < probability;
  }

  /** A number of this fault's own stream, from 0 to 1. */
  fraction(name: FaultName): number {
    return this.streams[name]();
  }

  /** To be called when a fault was really injected. */
  injectedOne(name: FaultName): void {
    this.counts[name] += 1;
  }

  calm(): void {
    this.calmed = true;
  }

  injected(): Readonly<Record<FaultName, number>> {
    return { ...this.counts };
  }
}

function everyName<Value>(make: (name: FaultName) => Value): Record<FaultName, Value> {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<FaultName, Value>;
}
