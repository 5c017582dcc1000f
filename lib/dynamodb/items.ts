import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { MillraceError } from "../errors.ts";
import type { CheckpointPointer, SinkProgress, TaskItem, Trial } from "../state/changelog.ts";
import { checksumOf } from "../state/codec.ts";
import type { Base, StoredCommit } from "../state/commit.ts";
import type { Partition } from "../state/partition.ts";
import { Attributes, type Item } from "./attributes.ts";

export type { Item } from "./attributes.ts";

/** The table's keys: a task's commits by epoch, and its item behind them all. */
export const PARTITION_KEY = "task";
export const SORT_KEY = "epoch";

/** When a commit may be deleted: epoch seconds, as DynamoDB's time to live wants them. */
export const EXPIRES = "x";

/** The task item's sort key: above every epoch, so that one descending query brings it and the head. */
export const TASK_ITEM_EPOCH = Number.MAX_SAFE_INTEGER;

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

/**
 * A commit out of its item. One that cannot be read is given with its damage: what covers it may be there.
 *
 * @throws systemic error `state/corrupt` for an item whose very key is none
 */
export function commitOf(task: string, item: Item): StoredCommit {
  const what = `Item of table key task = "${task}", epoch = ${item[SORT_KEY]?.N ?? "?"}`;
  const attributes = new Attributes(item, what);
  const epoch = attributes.count(SORT_KEY);
  try {
    return readCommit(epoch, attributes);
  } catch (damage) {
    if (!(damage instanceof MillraceError)) throw damage;
    return { ...UNREAD, epoch, nonce: item["n"]?.S ?? "", damage };
  }
}

function readCommit(epoch: number, attributes: Attributes): StoredCommit {
  const [written, caughtUp] = attributes.numbers("t", 2);
  return {
    epoch,
    nonce: attributes.text("n"),
    version: attributes.count("v"),
    codec: attributes.text("c"),
    checksum: attributes.text("k"),
    build: attributes.text("w"),
    sinks: attributes.has("o") ? attributes.texts("o") : [],
    totals: { written: written!, caughtUp: caughtUp! },
    base: attributes.has("b") ? baseOf(attributes.numbers("b", 4), epoch, attributes) : undefined,
    expires: attributes.count(EXPIRES) * 1_000,
    body: attributes.has("s") ? spillOf(attributes.textAndCount("s")) : attributes.bytes("d"),
  };
}

/** What is put for what could not be read: it does not decode. */
const UNREAD: Omit<StoredCommit, "epoch" | "nonce" | "damage"> = {
  version: 0,
  codec: "",
  checksum: "",
  build: "?",
  sinks: [],
  totals: { written: 0, caughtUp: 0 },
  base: undefined,
  expires: 0,
  body: new Uint8Array(),
};

const spillOf = ([key, bytes]: readonly [string, number]) => ({ key, bytes });

function baseOf(numbers: readonly number[], head: number, attributes: Attributes): Base {
  const [epoch, at, written, caughtUp] = numbers as [number, number, number, number];
  if (isEpoch(epoch) && epoch <= head) return { epoch, at, written, caughtUp };
  throw attributes.damaged("b", "names no commit at or before this one");
}

/**
 * Attributes of the task item: `d` and `dk` delivered, and its check; `d:SINK`, `n:SINK` and `k:SINK` delivered to one,
 * epoch, count and check; `tv`, `t` and `a` version, position and attempts of a trial; `l` lineage, and its check;
 * `c`, `ce` and `p` checkpoint, its epoch again for conditions, and the checkpoint before.
 *
 * Marks and lineage check themselves because nothing else would notice a change: outputs would be taken for delivered.
 * A checkpoint's pointer is checked with its object; attempts only ever make a dead letter.
 */
export const DELIVERED = "d";
export const DELIVERED_CHECK = "dk";
export const progressEpoch = (sink: string): string => `d:${sink}`;
export const progressCount = (sink: string): string => `n:${sink}`;
export const progressCheck = (sink: string): string => `k:${sink}`;
export const TRIAL_VERSION = "tv";
export const TRIAL_POSITION = "t";
export const TRIAL_ATTEMPTS = "a";
export const LINEAGE = "l";
export const CHECKPOINT = "c";
export const CHECKPOINT_EPOCH = "ce";
export const PREVIOUS_CHECKPOINT = "p";

export const pointerValue = (pointer: CheckpointPointer): AttributeValue => ({ S: JSON.stringify(pointer) });

/** The check of a mark: of a task's epoch, or of a sink's progress. */
export const checkOf = (task: string, ...mark: readonly (string | number)[]): string =>
  checksumOf(new Uint8Array(), ["mark", task, ...mark]);

/** The task item. @throws systemic error `state/corrupt` naming the attribute that is damaged */
export function taskItemOf(task: string, item: Item): TaskItem {
  const what = `The task item of ${task} (table key task = "${task}", epoch = ${TASK_ITEM_EPOCH})`;
  const attributes = new Attributes(item, what);
  const checkpoint = pointerAt(attributes, CHECKPOINT);
  const epoch = attributes.has(CHECKPOINT_EPOCH) ? attributes.count(CHECKPOINT_EPOCH) : undefined;
  if (checkpoint?.epoch !== epoch) throw attributes.damaged(CHECKPOINT_EPOCH, `is not the epoch in "${CHECKPOINT}"`);
  const previousCheckpoint = pointerAt(attributes, PREVIOUS_CHECKPOINT);
  if (previousCheckpoint !== undefined && !(previousCheckpoint.epoch < (epoch ?? 0))) {
    throw attributes.damaged(PREVIOUS_CHECKPOINT, `is not of a lower epoch than "${CHECKPOINT}"`);
  }
  return {
    delivered: deliveredIn(attributes, task),
    deliveredTo: progressIn(item, attributes, task),
    trial: trialIn(attributes),
    lineage: lineageIn(attributes, task),
    checkpoint,
    previousCheckpoint,
  };
}

function deliveredIn(attributes: Attributes, task: string): number {
  if (!attributes.has(DELIVERED) && !attributes.has(DELIVERED_CHECK)) return 0;
  const delivered = attributes.count(DELIVERED);
  if (attributes.text(DELIVERED_CHECK) === checkOf(task, delivered)) return delivered;
  throw attributes.damaged(DELIVERED, `does not agree with its check, "${DELIVERED_CHECK}"`);
}

function progressIn(item: Item, attributes: Attributes, task: string): Record<string, SinkProgress> {
  const names = Object.keys(item).flatMap((name) => (/^[dnk]:/.test(name) ? [name.slice(2)] : []));
  const sinks = [...new Set(names)].map((sink): [string, SinkProgress] => {
    const epoch = attributes.count(progressEpoch(sink));
    const count = attributes.count(progressCount(sink));
    const check = progressCheck(sink);
    if (attributes.text(check) === checkOf(task, sink, epoch, count)) return [sink, { epoch, count }];
    throw attributes.damaged(check, `does not agree with "${progressEpoch(sink)}" and "${progressCount(sink)}"`);
  });
  return Object.fromEntries(sinks);
}

function trialIn(attributes: Attributes): Trial {
  const version = attributes.has(TRIAL_VERSION) ? attributes.count(TRIAL_VERSION) : 0;
  const attempts = attributes.textSet(TRIAL_ATTEMPTS);
  const isNone = !attributes.has(TRIAL_POSITION) && attempts.length === 0;
  return { version, position: isNone ? "" : attributes.text(TRIAL_POSITION), attempts };
}

const POINTER: Readonly<Record<keyof CheckpointPointer, "number" | "string">> = {
  epoch: "number",
  at: "number",
  written: "number",
  caughtUp: "number",
  key: "string",
  bytes: "number",
  version: "number",
  codec: "string",
  checksum: "string",
  build: "string",
};

function pointerAt(attributes: Attributes, name: string): CheckpointPointer | undefined {
  if (!attributes.has(name)) return undefined;
  const pointer = jsonAt(attributes, name);
  if (isPointer(pointer)) return pointer;
  throw attributes.damaged(name, "does not point to a checkpoint");
}

export const lineageValue = (task: string, lineage: readonly Partition[]): AttributeValue => {
  const json = JSON.stringify(lineage);
  return { S: JSON.stringify({ lineage, check: checkOf(task, json) }) };
};

function lineageIn(attributes: Attributes, task: string): readonly Partition[] | undefined {
  if (!attributes.has(LINEAGE)) return undefined;
  const { lineage, check } = (jsonAt(attributes, LINEAGE) ?? {}) as { lineage?: unknown; check?: unknown };
  const isWhole = Array.isArray(lineage) && lineage.every(isPartition);
  if (isWhole && check === checkOf(task, JSON.stringify(lineage))) return lineage;
  throw attributes.damaged(LINEAGE, "does not say where the task comes from");
}

function isPartition(value: unknown): value is Partition {
  const { id, parents, range } = (value ?? {}) as Partial<Partition>;
  const isText = (text: unknown): boolean => typeof text === "string" && text !== "";
  const isHash = (hash: unknown): boolean => typeof hash === "string" && /^[0-9a-f]{32}$/.test(hash);
  return isText(id) && Array.isArray(parents) && parents.every(isText) && isHash(range?.from) && isHash(range?.to);
}

function jsonAt(attributes: Attributes, name: string): unknown {
  try {
    return JSON.parse(attributes.text(name));
  } catch (thrown) {
    throw thrown instanceof MillraceError ? thrown : attributes.damaged(name, "is not JSON");
  }
}

function isPointer(value: unknown): value is CheckpointPointer {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Record<string, unknown>;
  return Object.entries(POINTER).every(([name, type]) => typeof fields[name] === type) && isEpoch(fields["epoch"]);
}

const isEpoch = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0;
