import { JOIN_RECORD } from "../operators/join/temporal-join.ts";
import { VersionedShape } from "../state/versions.ts";
import { toMillis } from "../time/duration.ts";
import { checkMeeting } from "./build-connect.ts";
import { refuseCycle } from "./build-process.ts";
import { buildSide, buildStream } from "./build-stream.ts";
import { TABLE, type BuiltTable } from "./build-table.ts";
import type { Builder } from "./builder.ts";
import type { JoinOptions } from "./join.ts";

export type Combine = (record: never, row: never) => unknown;

/** Makes a join of a keyed stream with a table. @throws definition errors naming it */
export function buildJoin(
  builder: Builder,
  ours: { readonly node: number; readonly keyFields: readonly string[] },
  name: string,
  table: BuiltTable | undefined,
  combine: Combine,
  options: JoinOptions = {},
) {
  const what = `join("${name}")`;
  const theirs = table?.[TABLE];
  if (theirs?.builder !== builder) {
    throw builder.refuse(what, "was not given a table of this pipeline", "Give it what toTable gives.");
  }
  const { type = "left", allowedLateness = {}, was = [] } = options;
  if (type !== "left" && type !== "inner") {
    throw builder.refuse(what, `is of type "${String(type)}"`, 'It is "left" or "inner".');
  }
  checkMeeting(builder, what, ours, theirs);
  const node = builder.add({
    kind: "join",
    name,
    input: ours.node,
    other: theirs.node,
    keyFields: ours.keyFields,
    table: theirs.spec,
    combine: builder.function("join", name, combine),
    type,
    allowedLateness: toMillis(allowedLateness, `${builder.where}: ${what}: allowedLateness`),
    versions: new VersionedShape(`${builder.where}: ${what}`, JOIN_RECORD, options),
    was,
  });
  refuseCycle(builder, what, node);
  const side = (of: string) => ({ value: buildSide(builder, node, of, ours.keyFields) });
  return Object.defineProperties(buildStream(builder, node, ours.keyFields), {
    late: side("late"),
    lateChanges: side("lateChanges"),
  });
}
