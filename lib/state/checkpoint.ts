import type { CheckpointPointer } from "./changelog.ts";
import { CODEC, checksumOf, corrupt, decodeBody, encodeBody } from "./codec.ts";
import { checkVersion, FORMAT_VERSION, type StateShapes } from "./commit.ts";
import type { TableDeltas, TaskHeader } from "./task-state.ts";

/** A task's whole state as of one epoch. */
export interface Checkpoint {
  readonly shapes: StateShapes;
  readonly header: TaskHeader;
  readonly tables: TableDeltas;
}

export function encodeCheckpoint({ shapes, header, tables }: Checkpoint) {
  const body = encodeBody([shapes, header, tables]);
  return { body, version: FORMAT_VERSION, codec: CODEC, checksum: checksumOf(body) };
}

/** @throws systemic errors `state/corrupt`, `state/codec` */
export function decodeCheckpoint(pointer: CheckpointPointer, body: Uint8Array): Checkpoint {
  const what = `Checkpoint ${pointer.key}`;
  checkVersion(pointer.version, pointer.build, what);
  const decoded = decodeBody(body, pointer.checksum, pointer.codec, what);
  if (!Array.isArray(decoded) || decoded.length !== 3) throw corrupt(what, "it has another structure");
  const [shapes, header, tables] = decoded as [StateShapes, TaskHeader, TableDeltas];
  return { shapes, header, tables };
}
