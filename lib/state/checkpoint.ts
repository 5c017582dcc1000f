import { messageOf } from "../errors.ts";
import type { CheckpointPointer } from "./changelog.ts";
import { checksumOf, codecOf, corrupt, decodeBody, encodeBody, MISMATCH } from "./codec.ts";
import { checkVersion, FORMAT_VERSION, type Base } from "./commit.ts";
import type { TableDelta } from "./keyed-table.ts";
import { oldIndex } from "./old-run-index.ts";
import { RunDelta } from "./run-delta.ts";
import { decodeIndex, encodeIndex, type RunIndex } from "./run-index.ts";
import { SortedRun } from "./sorted-run.ts";
import { wrongWithState, type StateContent } from "./structure.ts";

/** A task's whole state as of one epoch. */
export type Checkpoint = StateContent;

/** What a writer says of a checkpoint beside its content. */
export interface CheckpointEnvelope extends Base {
  readonly key: string;
  readonly build: string;
}

/**
 * Ends the codec's name of a body that has sorted runs: the length of its head in four bytes, most significant first, the head, as the other
 * codec encodes it, and the blocks of all runs. The head has, beside what a body without runs consists of, per table the
 * run's index, as {@link encodeIndex} makes it, and the length of its blocks, or null.
 */
const RUNS = "+runs/2";

/** The first of that kind, which is read and not written: indexes are objects. */
const OLD_RUNS = "+runs";

/** A checkpoint's object, and what points to it: a change of either is found by {@link decodeCheckpoint}. */
export function encodeCheckpoint(
  task: string,
  { shapes, header, tables }: Checkpoint,
  envelope: CheckpointEnvelope,
): { readonly body: Uint8Array; readonly pointer: CheckpointPointer } {
  const runs = tables.map(([, delta]) => (delta instanceof RunDelta ? delta.run : undefined));
  if (runs.every((run) => run === undefined)) {
    const body = encodeBody([shapes, header, tables]);
    return { body, pointer: sealCheckpoint(task, envelope, body) };
  }
  const rest = tables.map(([name, delta]) => [name, delta instanceof RunDelta ? emptied(delta) : delta] as const);
  const indexes = runs.map((run) => (run === undefined ? null : [encodeIndex(run.index), run.bytes.length]));
  const head = encodeBody([shapes, header, rest, indexes]);
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setUint32(0, head.length);
  const body = Buffer.concat([length, head, ...runs.flatMap((run) => (run === undefined ? [] : [run.bytes]))]);
  return { body, pointer: sealCheckpoint(task, envelope, body, codecOf(head) + RUNS) };
}

const LENGTH_BYTES = 4;

const emptied = ({ floor }: TableDelta): TableDelta => ({ floor, dropped: [], removed: [], put: [] });

/** What points to a checkpoint's object. */
export function sealCheckpoint(
  task: string,
  { key, build, epoch, at, written, caughtUp }: CheckpointEnvelope,
  body: Uint8Array,
  codec = codecOf(body),
): CheckpointPointer {
  const unsealed = { key, build, epoch, at, written, caughtUp, bytes: body.length, version: FORMAT_VERSION, codec };
  return { ...unsealed, checksum: checksumOf(body, envelopeOf(task, unsealed)) };
}

/** What the checksum covers beside the body: all of the pointer, and whose it is. */
function envelopeOf(task: string, pointer: Omit<CheckpointPointer, "checksum">): readonly unknown[] {
  const { key, epoch, at, written, caughtUp, bytes, version, codec, build } = pointer;
  return ["checkpoint", task, key, epoch, at, written, caughtUp, bytes, version, codec, build];
}

/**
 * The content of a checkpoint, and the proof that it is what {@link encodeCheckpoint} was given. What is wrong with a sorted
 * run's entries is found when they are read.
 *
 * @throws systemic errors `state/corrupt`, `state/codec`, `state/version`, naming task and object
 */
export function decodeCheckpoint(task: string, pointer: CheckpointPointer, body: Uint8Array): Checkpoint {
  const what = `Checkpoint ${pointer.key} of task ${task}`;
  checkVersion(pointer.version, pointer.build, what);
  if (checksumOf(body, envelopeOf(task, pointer)) !== pointer.checksum) throw corrupt(what, MISMATCH);
  const form = [RUNS, OLD_RUNS].find((one) => pointer.codec.endsWith(one));
  if (form !== undefined) return contentWithRuns(body, pointer.codec.slice(0, -form.length), form, what);
  const [shapes, header, tables] = partsOf(decodeBody(body, pointer.codec, what), 3, what);
  const wrong = wrongWithState(shapes, header, tables);
  if (wrong !== undefined) throw corrupt(what, wrong);
  return { shapes, header, tables } as Checkpoint;
}

function contentWithRuns(body: Uint8Array, codec: string, form: string, what: string): Checkpoint {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const end = body.length < LENGTH_BYTES ? Number.NaN : LENGTH_BYTES + view.getUint32(0);
  if (!(end <= body.length)) throw corrupt(what, "it ends too early");
  const head = partsOf(decodeBody(body.subarray(LENGTH_BYTES, end), codec, what), 4, what);
  const [shapes, header, tables, indexes] = head;
  const wrong = wrongWithState(shapes, header, tables);
  if (wrong !== undefined) throw corrupt(what, wrong);
  const content = { shapes, header, tables } as Checkpoint;
  if (!Array.isArray(indexes) || indexes.length !== content.tables.length)
    throw corrupt(what, "its runs are not its tables'");
  let at = end;
  const whole = content.tables.map(([name, delta], i) => {
    const of: unknown = indexes[i];
    if (of === null) return [name, delta] as const;
    const [written, length] = Array.isArray(of) ? (of as unknown[]) : [];
    const index = indexIn(written, length as number, form, what);
    const bytes = body.subarray(at, (at += length as number));
    return [name, new RunDelta(delta.floor, new SortedRun(index, bytes, what))] as const;
  });
  if (at !== body.length) throw corrupt(what, "its runs have another length");
  return { ...content, tables: whole };
}

function indexIn(written: unknown, length: number, form: string, what: string): RunIndex {
  try {
    if (form === OLD_RUNS) return oldIndex(written, length);
    if (!(written instanceof Uint8Array)) throw new Error("it is none");
    return decodeIndex(written, length);
  } catch (cause) {
    throw corrupt(what, `the index of a run is not as it must be: ${messageOf(cause)}`, cause);
  }
}

function partsOf(decoded: unknown, count: number, what: string): readonly unknown[] {
  if (!Array.isArray(decoded) || decoded.length !== count) throw corrupt(what, "it has another structure");
  return decoded as unknown[];
}
