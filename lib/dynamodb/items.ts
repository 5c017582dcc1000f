import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { systemicError } from "../errors.ts";
import type { CheckpointPointer, SinkProgress, TaskItem, Trial } from "../state/changelog.ts";
import type { Base, StoredCommit } from "../state/commit.ts";

/** The table's keys: a task's commits by epoch, and its item behind them all. */
export const PARTITION_KEY = "task";
export const SORT_KEY = "epoch";

/** When a commit may be deleted: epoch seconds, as DynamoDB's time to live wants them. */
export const EXPIRES = "x";

/** The task item's sort key: above every epoch, so that one descending query brings it and the head. */
export const TASK_ITEM_EPOCH = Number.MAX_SAFE_INTEGER;

export type Item = Record<string, AttributeValue>;

const number = (value: number): AttributeValue => ({ N: String(value) });
const string = (value: string): AttributeValue => ({ S: value });

export const keyOf = (task: string, epoch: number): Item => ({
  [PARTITION_KEY]: string(task),
  [SORT_KEY]: number(epoch),
});

// Names are short: DynamoDB bills their bytes in every item.
export function commitItem(task: string, commit: StoredCommit): Item {
  const { epoch, nonce, version, codec, checksum, build, sinks, totals, base, expires, body } = commit;
  return {
    ...keyOf(task, epoch),
    n: string(nonce),
    v: number(version),
    c: string(codec),
    k: string(checksum),
    w: string(build),
    ...(sinks.length === 0 ? {} : { o: { L: sinks.map(string) } }),
    t: { L: [number(totals.written), number(totals.caughtUp)] },
    ...(base === undefined
      ? {}
      : { b: { L: [number(base.epoch), number(base.at), number(base.written), number(base.caughtUp)] } }),
    [EXPIRES]: number(Math.ceil(expires / 1_000)),
    ...(body instanceof Uint8Array ? { d: { B: body } } : { s: { L: [string(body.key), number(body.bytes)] } }),
  };
}

export function commitOf(item: Item): StoredCommit {
  const epoch = numberAt(item, SORT_KEY);
  const [written, caughtUp] = listAt(item, "t").map(numberOf);
  const base = item["b"] === undefined ? undefined : baseOf(listAt(item, "b").map(numberOf));
  const spill = item["s"]?.L;
  return {
    epoch,
    nonce: stringAt(item, "n"),
    version: numberAt(item, "v"),
    codec: stringAt(item, "c"),
    checksum: stringAt(item, "k"),
    build: stringAt(item, "w"),
    sinks: item["o"]?.L?.map((value) => value.S ?? "") ?? [],
    totals: { written: written!, caughtUp: caughtUp! },
    base,
    expires: numberAt(item, EXPIRES) * 1_000,
    body: spill === undefined ? bytesAt(item, "d") : { key: spill[0]?.S ?? "", bytes: numberOf(spill[1]!) },
  };
}

const baseOf = ([epoch, at, written, caughtUp]: readonly number[]): Base => ({
  epoch: epoch!,
  at: at!,
  written: written!,
  caughtUp: caughtUp!,
});

/**
 * Attributes of the task item: `d` delivered; `d:SINK` and `n:SINK` delivered to one, epoch and count; `t` and `a`
 * position and attempts of a trial; `c` and `p` checkpoint and the one before.
 */
export const DELIVERED = "d";
export const progressEpoch = (sink: string): string => `d:${sink}`;
export const progressCount = (sink: string): string => `n:${sink}`;
export const TRIAL_POSITION = "t";
export const TRIAL_ATTEMPTS = "a";
export const CHECKPOINT = "c";
export const CHECKPOINT_EPOCH = "ce";
export const PREVIOUS_CHECKPOINT = "p";

export const pointerValue = (pointer: CheckpointPointer): AttributeValue => ({ S: JSON.stringify(pointer) });

export function taskItemOf(item: Item): TaskItem {
  const sinks = Object.entries(item).flatMap(([name, value]): [string, SinkProgress][] => {
    if (!name.startsWith("d:")) return [];
    const sink = name.slice(2);
    return [[sink, { epoch: numberOf(value), count: numberAt(item, progressCount(sink)) }]];
  });
  return {
    delivered: item[DELIVERED] === undefined ? 0 : numberAt(item, DELIVERED),
    deliveredTo: Object.fromEntries(sinks),
    trial: trialAt(item),
    checkpoint: pointerAt(item, CHECKPOINT),
    previousCheckpoint: pointerAt(item, PREVIOUS_CHECKPOINT),
  };
}

function trialAt(item: Item): Trial | undefined {
  const position = item[TRIAL_POSITION]?.S;
  return position === undefined ? undefined : { position, attempts: item[TRIAL_ATTEMPTS]?.SS ?? [] };
}

function pointerAt(item: Item, name: string): CheckpointPointer | undefined {
  const json = item[name]?.S;
  return json === undefined ? undefined : (JSON.parse(json) as CheckpointPointer);
}

const numberAt = (item: Item, name: string): number => numberOf(item[name] ?? damaged(item, name));
const stringAt = (item: Item, name: string): string => item[name]?.S ?? damaged(item, name);
const bytesAt = (item: Item, name: string): Uint8Array => item[name]?.B ?? damaged(item, name);
const listAt = (item: Item, name: string): AttributeValue[] => item[name]?.L ?? damaged(item, name);
const numberOf = (value: AttributeValue): number => Number(value.N);

function damaged(item: Item, attribute: string): never {
  throw systemicError({
    code: "state/corrupt",
    message: `Commit ${item[SORT_KEY]?.N ?? "?"} of task ${item[PARTITION_KEY]?.S ?? "?"} has no attribute "${attribute}".`,
    advice: 'See docs/operations.md, section "A damaged commit or checkpoint".',
  });
}
