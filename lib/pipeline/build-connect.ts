import type { Builder } from "./builder.ts";
import { buildProcess } from "./build-process.ts";

/** A keyed stream while its pipeline is built. */
export interface BuiltKeyed {
  /** The index of the node before what reads it, and its key's fields in order. */
  readonly [KEYED]: () => { readonly node: number; readonly keyFields: readonly string[] };
}

export const KEYED = Symbol("keyed");

/** Makes two keyed streams one for a process function. @throws definition errors naming it */
export const buildConnect = (
  builder: Builder,
  here: () => number,
  keyFields: readonly string[],
  other: BuiltKeyed | undefined,
) => ({
  process: (name: string, process: Parameters<typeof buildProcess>[4]) => {
    const what = `process("${name}")`;
    const theirs = other?.[KEYED]();
    if (theirs === undefined) {
      throw builder.refuse(what, "is connected with what is no keyed stream", "Give connect what keyBy gives.");
    }
    checkMeeting(builder, what, { node: here(), keyFields }, theirs);
    return buildProcess(builder, here(), keyFields, name, process, theirs.node);
  },
});

interface Side {
  readonly node: number;
  readonly keyFields: readonly string[];
}

/** Equal keys of both must be in one partition. @throws definition errors naming `what` reads both */
export function checkMeeting(builder: Builder, what: string, ours: Side, theirs: Side): void {
  if (ours.node === theirs.node) throw builder.refuse(what, "is connected with the stream itself");
  const [a, b] = [ours, theirs].map(({ node }) => [...builder.rootsOf(node)][0]!) as [number, number];
  const source = [a, b].map((root) => builder.nodeAt(root)).find(({ kind }) => kind === "source");
  if (a !== b && source !== undefined) {
    throw builder.refuse(
      what,
      `connects the partitions of the source "${source.name}" with others`,
      "Use keyBy on both sides: it brings equal keys together.",
    );
  }
  if (ours.keyFields.join() !== theirs.keyFields.join()) {
    throw builder.refuse(
      what,
      `connects streams by (${ours.keyFields.join(", ")}) and by (${theirs.keyFields.join(", ")})`,
      "Give both keyBys the same fields, in the same order.",
    );
  }
}
