import { BROADCAST, type Broadcast, type BroadcastSpec } from "../operators/broadcast/broadcast.ts";
import { VersionedShape } from "../state/versions.ts";
import { toPositiveMillis } from "../time/duration.ts";
import type { BroadcastOptions } from "./broadcast.ts";
import type { Builder } from "./builder.ts";
import { checkField } from "./names.ts";

const NODE = Symbol("node");

/** A broadcast stream while its pipeline is built. */
interface BuiltBroadcast extends Broadcast<never, never> {
  readonly [NODE]: { readonly builder: Builder; readonly index: number };
}

/** Makes a broadcast stream of what comes after a node. @throws definition errors naming it */
export function buildBroadcast(
  builder: Builder,
  input: number,
  name: string,
  options: BroadcastOptions<never, never>,
): BuiltBroadcast {
  const what = `${builder.where}: broadcast("${name}")`;
  const spec: BroadcastSpec = {
    name,
    key: builder.function("broadcast", `${name}.key`, options?.key),
    removes: options.removes && builder.function("broadcast", `${name}.removes`, options.removes),
    keepRemoved: toPositiveMillis(options.keepRemoved ?? { days: 7 }, `${what}.keepRemoved`),
    versions: new VersionedShape(what, BROADCAST, options),
    version: options.version ?? 1,
  };
  const index = builder.add({ kind: "broadcast", name, input, spec });
  return { kind: "broadcast", name, [NODE]: { builder, index } };
}

/**
 * The nodes of the broadcast streams that a process function reads, by the names that it has for them.
 *
 * @throws definition errors naming the process function
 */
export function broadcastsOf(
  builder: Builder,
  input: number,
  name: string,
  declared: Readonly<Record<string, Broadcast<unknown, never>>>,
): Readonly<Record<string, number>> {
  const what = `process("${name}")`;
  const nodes = Object.entries(declared).map(([field, broadcast]) => {
    checkField(`${builder.where}: ${what}.broadcast`, field);
    const of = (broadcast as Partial<BuiltBroadcast> | undefined)?.[NODE];
    if (of?.builder !== builder) {
      throw builder.refuse(`${what}.broadcast`, `has a "${field}" that is none of this pipeline`, "Use .broadcast(…).");
    }
    return [field, of.index] as const;
  });
  const root = builder.nodeAt([...builder.rootsOf(input)][0]!);
  if (nodes.length > 0 && root.kind === "source") {
    throw builder.refuse(
      `${what}.broadcast`,
      `is read where the source "${root.name}" is, and not behind an internal stream, in which what is broadcast travels`,
      "Use keyBy in place of byKey.",
    );
  }
  return Object.fromEntries(nodes);
}
