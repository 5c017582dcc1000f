import { whole, type Printer } from "./print.ts";
import type { Shard } from "./shard.ts";

/**
 * What is done to the stream, one after the other: of a split the children, of a merge two shards that are not
 * children of one, whose tasks have come to different places, and of a merged shard the children again.
 */
export const STEPS = ["split", "split", "merge", "split merged", "merge"] as const;

export type Step = (typeof STEPS)[number];

/** A resharding that is possible now. */
export type Resharding =
  | { readonly kind: "split"; readonly shard: Shard; readonly at: bigint }
  | { readonly kind: "merge"; readonly lower: Shard; readonly upper: Shard };

export interface ReshardOptions {
  /** The stream's stage. */
  readonly stage: string;
  readonly steps: readonly Step[];
  readonly shards: () => Promise<readonly Shard[]>;
  readonly split: (shard: Shard, at: bigint) => Promise<void>;
  readonly merge: (lower: Shard, upper: Shard) => Promise<void>;
  /** Events accepted so far, and all there will be. */
  readonly pushed: () => number;
  readonly total: number;
  /** Whether a shard has taken a record: an empty one has nothing to inherit. */
  readonly hasRecords: (shardId: string) => boolean;
  /** Whether the feed has ended, so that nothing more can come. */
  readonly isOver: () => boolean;
  readonly sleep: (millis: number) => Promise<void>;
  readonly printer: Printer;
}

const MILLIS_BETWEEN_LOOKS = 20;

/**
 * Splits and merges shards at even distances while events are pushed.
 *
 * @returns whether every step was possible
 */
export async function reshard(options: ReshardOptions): Promise<boolean> {
  const { steps, total, pushed, isOver, sleep, printer } = options;
  for (const [i, step] of steps.entries()) {
    const due = (total * (i + 1)) / (steps.length + 1);
    while (pushed() < due && !isOver()) await sleep(MILLIS_BETWEEN_LOOKS);
    let resharding = choose(step, await options.shards(), options.hasRecords);
    // A shard that was just made may get its first record any moment.
    while (resharding === undefined && !isOver()) {
      await sleep(MILLIS_BETWEEN_LOOKS);
      resharding = choose(step, await options.shards(), options.hasRecords);
    }
    if (resharding === undefined) return false;
    printer.fact(step, described(resharding), `of ${options.stage}, after ${whole(pushed())} events`);
    await carryOut(resharding, options);
  }
  return true;
}

/** The widest shard in halves; of neighbours that are not siblings the narrowest pair. Nothing when there is none. */
export function choose(
  step: Step,
  shards: readonly Shard[],
  hasRecords: (shardId: string) => boolean,
): Resharding | undefined {
  const open = shards
    .filter(({ id, isOpen }) => isOpen && hasRecords(id))
    .toSorted((a, b) => (a.from < b.from ? -1 : 1));
  if (step === "merge") {
    const pairs = open.flatMap((lower, i) => {
      const upper = open[i + 1];
      return upper === undefined || upper.from !== lower.to + 1n || areSiblings(lower, upper) ? [] : [{ lower, upper }];
    });
    const [narrowest] = pairs.toSorted((a, b) => (a.upper.to - a.lower.from < b.upper.to - b.lower.from ? -1 : 1));
    return narrowest && { kind: "merge", ...narrowest };
  }
  const candidates = step === "split" ? open : open.filter(({ parents }) => parents.length === 2);
  const [shard] = candidates.toSorted((a, b) => (a.to - a.from > b.to - b.from ? -1 : 1));
  return shard && { kind: "split", shard, at: shard.from + (shard.to - shard.from + 1n) / 2n };
}

const areSiblings = (a: Shard, b: Shard): boolean => a.parents.length > 0 && a.parents.join() === b.parents.join();

const described = (resharding: Resharding): string =>
  resharding.kind === "split" ? resharding.shard.id : `${resharding.lower.id} and ${resharding.upper.id}`;

/** Resolves when the shards have changed, which is after the answer. */
async function carryOut(resharding: Resharding, { shards, split, merge, sleep }: ReshardOptions): Promise<void> {
  const before = (await shards()).length;
  if (resharding.kind === "split") await split(resharding.shard, resharding.at);
  else await merge(resharding.lower, resharding.upper);
  while ((await shards()).length === before) await sleep(MILLIS_BETWEEN_LOOKS);
}
