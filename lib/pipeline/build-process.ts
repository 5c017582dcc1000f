import type { ProcessDefinition, ProcessFunction } from "../operators/process/process-function.ts";
import { broadcastsOf } from "./build-broadcast.ts";
import type { Builder } from "./builder.ts";
import { buildSide, buildStream } from "./build-stream.ts";
import { evolutionOf } from "./evolution.ts";
import { checkField } from "./names.ts";
import { isCycle } from "./roots.ts";

type AnyProcessFunction = ProcessFunction<never, never, {}, {}, {}, Iterable<unknown>, Iterable<unknown>> & {
  readonly onOther?: (record: never, context: never) => unknown;
};

/**
 * Makes a process function of a keyed stream.
 *
 * @param other the node of the stream that it is connected with
 * @throws definition errors naming it
 */
export function buildProcess(
  builder: Builder,
  input: number,
  keyFields: readonly string[],
  name: string,
  process: AnyProcessFunction,
  other?: number,
) {
  const definition: ProcessDefinition = {
    state: checked(builder, name, "state", process?.state ?? {}, CELLS),
    operatorState: checked(builder, name, "operatorState", process?.operatorState ?? {}, CELLS),
    timers: checked(builder, name, "timers", process?.timers ?? {}, ["timer"]),
    sides: checked(builder, name, "sides", process?.sides ?? {}, ["side"]),
    evolution: evolutionOf(`${builder.where}: process("${name}")`, process ?? {}),
    onRecord: builder.function("process", `${name}.onRecord`, process?.onRecord),
    onOther: other === undefined ? undefined : builder.function("process", `${name}.onOther`, process?.onOther),
    onTimer: process?.onTimer && builder.function("process", `${name}.onTimer`, process.onTimer),
  };
  checkUniting(builder, name, definition);
  const timers = Object.keys(definition.timers);
  if (timers.length > 0 && definition.onTimer === undefined) {
    throw builder.refuse(`process("${name}")`, `has a timer "${timers[0]!}" and no onTimer`, "Give it one.");
  }
  const broadcasts = broadcastsOf(builder, input, name, process.broadcast ?? {});
  const was = process.was ?? [];
  const node = builder.add({ kind: "process", name, input, other, broadcasts, keyFields, definition, was });
  refuseCycle(builder, `process("${name}")`, node);
  const sides = Object.keys(definition.sides).map((side) => [side, buildSide(builder, node, side, keyFields)]);
  return Object.defineProperty(buildStream(builder, node, keyFields), "side", { value: Object.fromEntries(sides) });
}

const CELLS = ["value", "list", "map", "reducing"];

/** Tasks become one when shards are merged, and keys never do. */
function checkUniting(builder: Builder, name: string, { state, operatorState }: ProcessDefinition): void {
  const refuse = (field: string, cell: string, problem: string, advice: string) =>
    builder.refuse(`process("${name}").${field}`, `has a "${cell}" ${problem}`, advice);
  for (const [cell, { kind, reduce, ttl }] of Object.entries(operatorState)) {
    if (kind === "value" && reduce === undefined) {
      throw refuse(
        "operatorState",
        cell,
        "that does not say what becomes of two tasks' values when their shards are merged",
        "Give value() a unite: (a, b) => …, or use reducing, list or map.",
      );
    }
    if (ttl !== Number.POSITIVE_INFINITY) {
      const advice = "How far event time has come differs from key to key: remove what is old yourself.";
      throw refuse("operatorState", cell, "with a time to live", advice);
    }
  }
  for (const [cell, { kind, reduce }] of Object.entries(state)) {
    if (kind !== "value" || reduce === undefined) continue;
    throw refuse("state", cell, "with a unite, which no key ever needs", "Leave it out, or use reducing.");
  }
}

/** Checks what a process function declares: names, and that the library made what they name. */
function checked<D extends Readonly<Record<string, { readonly kind: string }>>>(
  builder: Builder,
  name: string,
  what: "state" | "operatorState" | "timers" | "sides",
  declarations: D,
  kinds: readonly string[],
): D {
  for (const [field, declaration] of Object.entries(declarations)) {
    checkField(`${builder.where}: process("${name}").${what}`, field);
    if (!kinds.includes(declaration?.kind)) {
      throw builder.refuse(`process("${name}").${what}`, `has a "${field}" that is none`, ADVICE[what]);
    }
  }
  return declarations;
}

const ADVICE = {
  state: "Use value, list, map or reducing.",
  operatorState: "Use reducing, list, map, or value with unite.",
  timers: "Use eventTime or processingTime.",
  sides: "Use side<Row>().",
};

/** A stage that reads what comes of what it sends waits for itself. @throws definition error naming `what` makes it do so */
export function refuseCycle(builder: Builder, what: string, node: number): void {
  const root = [...builder.rootsOf(node)][0]!;
  if (!isCycle(builder.nodes, root)) return;
  throw builder.refuse(
    what,
    `would have the stage "${builder.nodeAt(root).name}" read what it sends itself`,
    "Connect and broadcast streams that do not come from there.",
  );
}
