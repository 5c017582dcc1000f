import type { Output, StateShapes } from "./commit.ts";
import type { TableDelta } from "./keyed-table.ts";
import type { TableDeltas, TaskHeader } from "./task-state.ts";

/**
 * Whether decoded values have the structure that a commit or a checkpoint has. Checksums find damage; this finds what a
 * build wrote wrongly, before it becomes state. Accumulators are the operators' to check.
 */
type Check = (value: unknown) => boolean;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
const isText: Check = (value) => typeof value === "string";
const isNumber: Check = (value) => typeof value === "number" && !Number.isNaN(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isHash: Check = (value) => typeof value === "string" && /^[0-9a-f]{32}$/.test(value);

const arrayOf =
  (item: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(item);
const tupleOf =
  (...items: readonly Check[]): Check =>
  (value) =>
    Array.isArray(value) && value.length === items.length && items.every((item, i) => item(value[i]));
const recordOf =
  (item: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(item);
/** Other fields may be there: a later build's. */
const fields =
  (of: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(of).every(([name, item]) => item(value[name]));
const optional =
  (item: Check): Check =>
  (value) =>
    value === undefined || item(value);

const COUNTER = /^[^ ]+ (?:in|filtered|folded|late|dead|sent|closed)$/;
const isCounterName: Check = (value) => typeof value === "string" && COUNTER.test(value);

const HEADER: Readonly<Record<keyof TaskHeader, Check>> = {
  position: fields({
    sequence: (value) => typeof value === "string" && /^\d*$/.test(value),
    index: (value) => Number.isSafeInteger(value) && (value as number) >= -1,
  }),
  watermark: isNumber,
  recordWatermark: isNumber,
  arrival: isNumber,
  tick: optional(fields({ id: isText, at: isNumber })),
  counters: arrayOf(tupleOf(isCounterName, isCount)),
  poison: tupleOf(isCount, isCount, (value) => value instanceof Uint8Array),
  killed: isCount,
  told: optional(
    fields({ watermark: isNumber, isIdle: (value) => typeof value === "boolean", partitions: optional(isCount) }),
  ),
  range: optional(fields({ from: isHash, to: isHash })),
  floors: arrayOf(fields({ from: isHash, to: isHash, watermark: isNumber, tables: recordOf(isNumber) })),
  sealed: optional(arrayOf(fields({ partition: isText, from: isHash, to: isHash }))),
  traces: optional(arrayOf(tupleOf(isText, isText, isNumber, isNumber, isText))),
};

const isSpace = (value: unknown): boolean => {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [space, keys, values] = value as unknown[];
  if (!isNumber(space) || !Array.isArray(keys) || !Array.isArray(values) || keys.length !== values.length) return false;
  return keys.every(isText) && values.every((one) => one !== undefined);
};

const isDelta = fields({
  floor: isNumber,
  dropped: arrayOf(isNumber),
  removed: arrayOf(tupleOf(isNumber, arrayOf(isText))),
  put: arrayOf(isSpace),
  created: optional(arrayOf(isCount)),
} satisfies Record<keyof TableDelta, Check>);

const isTables = arrayOf(tupleOf(isText, isDelta));
const isShapes = recordOf(isText);

/** What of a decoded state is not as it must be; undefined when all is. */
export function wrongWithState(shapes: unknown, header: unknown, tables: unknown): string | undefined {
  if (!isShapes(shapes)) return "its shapes are not as they must be";
  if (!isObject(header)) return "it has no header";
  const wrong = Object.entries(HEADER).find(([name, check]) => !check(header[name]));
  if (wrong !== undefined) return `its header's "${wrong[0]}" is not as it must be`;
  return isTables(tables) ? undefined : "its tables are not as they must be";
}

/** A commit's outputs, each by its sink's place in the list; undefined when they are not as they must be. */
export function outputsOf(sinks: unknown, indexes: unknown, bodies: unknown): readonly Output[] | undefined {
  if (!Array.isArray(sinks) || !Array.isArray(indexes) || !Array.isArray(bodies)) return undefined;
  if (indexes.length !== bodies.length || !sinks.every(isText)) return undefined;
  const outputs: Output[] = [];
  for (let i = 0; i < bodies.length; i++) {
    const sink = (sinks as readonly (string | undefined)[])[indexes[i] as number];
    const body: unknown = bodies[i];
    if (sink === undefined || typeof body !== "string") return undefined;
    outputs.push({ sink, body });
  }
  return outputs;
}

/** What {@link wrongWithState} has found nothing wrong with. */
export interface StateContent {
  readonly shapes: StateShapes;
  readonly header: TaskHeader;
  readonly tables: TableDeltas;
}
