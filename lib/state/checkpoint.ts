import type { CheckpointPointer } from "./changelog.ts";
import { CODEC, checksumOf, corrupt, decodeBody, encodeBody, MISMATCH } from "./codec.ts";
import { checkVersion, FORMAT_VERSION, type Base } from "./commit.ts";
import { wrongWithState, type StateContent } from "./structure.ts";

/** A task's whole state as of one epoch. */
export type Checkpoint = StateContent;

/** What a writer says of a checkpoint beside its content. */
export interface CheckpointEnvelope extends Base {
  readonly key: string;
  readonly build: string;
}

/** A checkpoint's object, and what points to it: a change of either is found by {@link decodeCheckpoint}. */
export function encodeCheckpoint(
  task: string,
  { shapes, header, tables }: Checkpoint,
  envelope: CheckpointEnvelope,
): { readonly body: Uint8Array; readonly pointer: CheckpointPointer } {
  const body = encodeBody([shapes, header, tables]);
  return { body, pointer: sealCheckpoint(task, envelope, body) };
}

/** What points to a checkpoint's object. */
export function sealCheckpoint(
  task: string,
  { key, build, epoch, at, written, caughtUp }: CheckpointEnvelope,
  body: Uint8Array,
): CheckpointPointer {
  const unsealed = {
    key,
    build,
    epoch,
    at,
    written,
    caughtUp,
    bytes: body.length,
    version: FORMAT_VERSION,
    codec: CODEC,
  };
  return { ...unsealed, checksum: checksumOf(body, envelopeOf(task, unsealed)) };
}

/** What the checksum covers beside the body: all of the pointer, and whose it is. */
function envelopeOf(task: string, pointer: Omit<CheckpointPointer, "checksum">): readonly unknown[] {
  const { key, epoch, at, written, caughtUp, bytes, version, codec, build } = pointer;
  return ["checkpoint", task, key, epoch, at, written, caughtUp, bytes, version, codec, build];
}

/**
 * The content of a checkpoint, and the proof that it is what {@link encodeCheckpoint} was given.
 *
 * @throws systemic errors `state/corrupt`, `state/codec`, `state/version`, naming task and object
 */
export function decodeCheckpoint(task: string, pointer: CheckpointPointer, body: Uint8Array): Checkpoint {
  const what = `Checkpoint ${pointer.key} of task ${task}`;
  checkVersion(pointer.version, pointer.build, what);
  if (checksumOf(body, envelopeOf(task, pointer)) !== pointer.checksum) throw corrupt(what, MISMATCH);
  const decoded = decodeBody(body, pointer.codec, what);
  if (!Array.isArray(decoded) || decoded.length !== 3) throw corrupt(what, "it has another structure");
  const [shapes, header, tables] = decoded as unknown[];
  const wrong = wrongWithState(shapes, header, tables);
  if (wrong !== undefined) throw corrupt(what, wrong);
  return { shapes, header, tables } as Checkpoint;
}
