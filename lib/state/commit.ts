import { CODEC, checksumOf, corrupt, decodeBody, encodeBody } from "./codec.ts";
import type { TaskHeader, TableDeltas } from "./task-state.ts";

/** The format of commits and checkpoints that this build writes. */
export const FORMAT_VERSION = 2;

/** What a commit sends to a sink. Its id is made of the task, the epoch and its index among the outputs. */
export interface Output {
  readonly sink: string;
  /** As it will be delivered, but for its id: never made again (X4). */
  readonly body: string;
}

/** The shape of every stateful operator's state: what must agree between its writer and its reader. */
export type StateShapes = Readonly<Record<string, string>>;

/** One entry of a changelog, decoded. All of a batch's effects, or none (X2). */
export interface Commit {
  readonly shapes: StateShapes;
  readonly header: TaskHeader;
  readonly tables: TableDeltas;
  readonly outputs: readonly Output[];
}

/** Running totals of a task's changelog, by which checkpoints are decided. Bytes since the first epoch. */
export interface LogTotals {
  /** Bytes of commits. */
  readonly written: number;
  /** Bytes that tasks have read to catch up. */
  readonly caughtUp: number;
}

/** Where a reader may start instead of at the first epoch. */
export interface Base extends LogTotals {
  readonly epoch: number;
  /** When it was written: epoch milliseconds. */
  readonly at: number;
}

/** A commit as it is stored: what is needed without decoding it, and its body. */
export interface StoredCommit {
  readonly epoch: number;
  /** Made anew for each fold: by it a writer knows its own put (X1). */
  readonly nonce: string;
  readonly version: number;
  readonly codec: string;
  readonly checksum: string;
  /** The build that wrote it. */
  readonly build: string;
  /** The sinks it has outputs for. */
  readonly sinks: readonly string[];
  readonly totals: LogTotals;
  /** The newest commit at or before this one whose tables are whole. */
  readonly base: Base | undefined;
  /** When the store may delete it (X11): epoch milliseconds. */
  readonly expires: number;
  /** The body, or where it was spilled to. */
  readonly body: Uint8Array | SpilledBody;
}

export interface SpilledBody {
  readonly key: string;
  readonly bytes: number;
}

export const isSpilled = (body: StoredCommit["body"]): body is SpilledBody => !(body instanceof Uint8Array);

/** The bytes that a commit's body takes, wherever it is. */
export const bodyBytes = ({ body }: StoredCommit): number => (isSpilled(body) ? body.bytes : body.length);

/** A commit's tables are whole when it is its own base. */
export const isWhole = (commit: StoredCommit): boolean => commit.base?.epoch === commit.epoch;

export interface EncodedCommit {
  readonly body: Uint8Array;
  readonly version: number;
  readonly codec: string;
  readonly checksum: string;
  readonly sinks: readonly string[];
}

export function encodeCommit(commit: Commit): EncodedCommit {
  const sinks = [...new Set(commit.outputs.map(({ sink }) => sink))];
  const body = encodeBody([
    commit.shapes,
    commit.header,
    commit.tables,
    sinks,
    commit.outputs.map(({ sink }) => sinks.indexOf(sink)),
    commit.outputs.map((output) => output.body),
  ]);
  return { body, version: FORMAT_VERSION, codec: CODEC, checksum: checksumOf(body), sinks };
}

/** @throws systemic errors `state/corrupt`, `state/codec`, `state/version` */
export function decodeCommit(stored: Omit<StoredCommit, "body">, body: Uint8Array, task: string): Commit {
  const what = `Commit ${stored.epoch} of task ${task}`;
  checkVersion(stored.version, stored.build, what);
  const decoded = decodeBody(body, stored.checksum, stored.codec, what);
  if (!Array.isArray(decoded) || decoded.length !== 6) throw corrupt(what, "it has another structure");
  const [shapes, header, tables, sinks, indexes, bodies] = decoded as [
    StateShapes,
    TaskHeader,
    TableDeltas,
    string[],
    number[],
    string[],
  ];
  const outputs = bodies.map((text, i) => ({ sink: sinks[indexes[i]!]!, body: text }));
  return { shapes, header, tables, outputs };
}

/** @throws systemic error `state/version` */
export function checkVersion(version: number, build: string, what: string): void {
  if (version === FORMAT_VERSION) return;
  throw corrupt(
    what,
    `it has format ${version}, written by build "${build}"; this build reads format ${FORMAT_VERSION}`,
  );
}
