import { systemicError, type MillraceError } from "../errors.ts";
import { codecOf, checksumOf, corrupt, decodeBody, encodeBody, MAX_BODY_BYTES, MISMATCH } from "./codec.ts";
import { wholeText, type CutText } from "./cut-text.ts";
import { outputsOf, wrongWithState, type StateContent } from "./structure.ts";
import type { TaskHeader, TableDeltas } from "./task-state.ts";
import { columnsOf, textsOf } from "./text-columns.ts";

/** The format of commits and checkpoints that this build writes. */
export const FORMAT_VERSION = 4;

/** The format before it, in which commits have the texts of outputs one by one: it is read, too. */
const BY_TEXT = 3;

/** What a commit sends to a sink. Its id is made of the task, the epoch and its index among the outputs. */
export interface Output {
  readonly sink: string;
  /** As it will be delivered, but for its id: never made again (X4). */
  readonly body: string;
  /** The body, where its sink has cut it: by it the commit has it by column. */
  readonly cut?: CutText | undefined;
}

/** An output of a text, or of what a text is put together of once it is asked for: a commit may have very many. */
export const outputOf = (sink: string, body: string | CutText): Output =>
  typeof body === "string" ? { sink, body } : new CutOutput(sink, body);

/** It is held as it is needed: cut until the commit is written, and then as a text. */
class CutOutput implements Output {
  readonly sink: string;
  #text: string | CutText;

  constructor(sink: string, cut: CutText) {
    this.sink = sink;
    this.#text = cut;
  }

  get body(): string {
    if (typeof this.#text !== "string") this.#text = wholeText(this.#text);
    return this.#text;
  }

  get cut(): CutText | undefined {
    return typeof this.#text === "string" ? undefined : this.#text;
  }
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
  /** Set by a store that could not read all of this. Then only the epoch means anything, and it does not decode. */
  readonly damage?: MillraceError;
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

/** What a writer says of a commit beside its content. */
export type CommitEnvelope = Omit<StoredCommit, "version" | "codec" | "checksum" | "damage">;

/** A commit's body, and the sinks it has outputs for. */
export function encodeCommit(commit: Commit): { readonly body: Uint8Array; readonly sinks: readonly string[] } {
  const sinks = [...new Set(commit.outputs.map(({ sink }) => sink))];
  const body = encodeBody([
    commit.shapes,
    commit.header,
    commit.tables,
    sinks,
    commit.outputs.map(({ sink }) => sinks.indexOf(sink)),
    columnsOf(commit.outputs),
  ]);
  return { body, sinks };
}

/** Ends the making of a commit: from here on, a change of any part of it is found by {@link decodeCommit}. */
export function sealCommit(task: string, envelope: CommitEnvelope, body: Uint8Array): StoredCommit {
  const unsealed = { ...envelope, version: FORMAT_VERSION, codec: codecOf(body) };
  return { ...unsealed, checksum: checksumOf(body, envelopeOf(task, unsealed)) };
}

/**
 * What the checksum covers beside the body: all that a reader acts on. An epoch, nonce or base that is wrong would
 * make state of the wrong commits, and an item under another task's key is whole and still wrong. Not covered: when
 * the store may delete it, which no reader reads, and where a spilled body lies, which is found out by its content.
 */
function envelopeOf(task: string, commit: Omit<StoredCommit, "checksum">): readonly unknown[] {
  const { epoch, nonce, version, codec, build, sinks, totals, base } = commit;
  return [
    ...["commit", task, epoch, nonce, version, codec, build, sinks, totals.written, totals.caughtUp],
    base === undefined ? null : [base.epoch, base.at, base.written, base.caughtUp],
  ];
}

/**
 * The content of a commit, and the proof that it is what {@link sealCommit} was given.
 *
 * @param body the commit's, or what its spilled body's object holds
 * @throws systemic errors `state/corrupt`, `state/codec`, `state/version`, naming task and epoch
 */
export function decodeCommit(stored: StoredCommit, body: Uint8Array, task: string): Commit {
  const what = checkSeal(stored, body, task);
  const decoded = decodeBody(body, stored.codec, what);
  if (!Array.isArray(decoded) || decoded.length !== 6) throw corrupt(what, "it has another structure");
  const [shapes, header, tables, sinks, indexes, bodies] = decoded as unknown[];
  const wrong = wrongWithState(shapes, header, tables);
  if (wrong !== undefined) throw corrupt(what, wrong);
  const outputs = outputsOf(sinks, indexes, stored.version === BY_TEXT ? bodies : textsOf(bodies, MAX_BODY_BYTES));
  if (outputs === undefined) throw corrupt(what, "its outputs are not as they must be");
  return { ...({ shapes, header, tables } as StateContent), outputs };
}

/**
 * The outputs of a commit alone. Where it has none the envelope says so, which the same checksum covers: nothing else of
 * the body is made then.
 *
 * @throws what {@link decodeCommit} throws
 */
export function outputsIn(stored: StoredCommit, body: Uint8Array, task: string): readonly Output[] {
  if (stored.sinks.length > 0) return decodeCommit(stored, body, task).outputs;
  checkSeal(stored, body, task);
  return [];
}

/** @returns what names the commit in errors @throws when it is not what {@link sealCommit} was given */
function checkSeal(stored: StoredCommit, body: Uint8Array, task: string): string {
  if (stored.damage !== undefined) throw stored.damage;
  const what = `Commit ${stored.epoch} of task ${task}${isSpilled(stored.body) ? ` (body: ${stored.body.key})` : ""}`;
  checkVersion(stored.version, stored.build, what);
  if (bodyBytes(stored) !== body.length) throw corrupt(what, "its body has another length");
  if (checksumOf(body, envelopeOf(task, stored)) !== stored.checksum) throw corrupt(what, MISMATCH);
  return what;
}

/** @throws systemic error `state/version` */
export function checkVersion(version: number, build: string, what: string): void {
  if (version === FORMAT_VERSION || version === BY_TEXT) return;
  throw systemicError({
    code: "state/version",
    message: `${what} has format ${version}, written by build "${build}"; this build reads formats ${BY_TEXT} and ${FORMAT_VERSION}.`,
    advice:
      "Deploy the build that wrote it, or a later one. If there is none, see docs/operations.md, section " +
      '"A damaged commit or checkpoint".',
  });
}
