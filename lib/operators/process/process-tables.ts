import { messageOf, systemicError } from "../../errors.ts";
import { validate } from "../../schema.ts";
import { keyCodeIn, partIn } from "../../state/entry-key.ts";
import type { TableDelta } from "../../state/keyed-table.ts";
import { expiryTableOf } from "../expiring-entries.ts";
import type { TableDescription } from "../stateful.ts";
import type { CellDeclaration } from "./cell.ts";
import type { ProcessSpec } from "./process-operator.ts";
import { timerTableOf } from "./timers.ts";

/** The tables of a process function's state. */
export function processTables(spec: ProcessSpec): readonly TableDescription[] {
  const { name, keyFields, definition } = spec;
  const by = `by ${keyFields.join()}`;
  const cells = Object.entries(definition.state).map(([cell, { kind }]) => `${cell}=${kind}`);
  const table = (of: string, shape: string, restore: TableDescription["restore"] = (delta) => delta) =>
    ({ name: of, shape, keyFields, keyCodeOf: keyCodeIn, restore }) satisfies TableDescription;
  return [
    table(name, `process/1 ${by} of ${cells.join()}`, (delta) => restoreCells(spec, delta)),
    table(expiryTableOf(name), `expiry/1 ${by}`),
    table(timerTableOf(name, "event"), `timers/1 ${by}`),
    table(timerTableOf(name, "processing"), `timers/1 ${by}`),
  ];
}

/** @throws systemic error `state/cell` naming operator and cell */
function restoreCells({ name, definition }: ProcessSpec, delta: TableDelta): TableDelta {
  const put = delta.put.map(([space, keys, values]) => {
    const restored = values.map((value, i) => {
      const { part, entry } = partIn(keys[i]!);
      const cell = Object.hasOwn(definition.state, part) ? definition.state[part] : undefined;
      if (cell === undefined) throw refused(name, part, "has an entry that this build does not know");
      return restoreEntry(name, part, cell, entry, value);
    });
    return [space, keys, restored] as const;
  });
  return { ...delta, put };
}

function restoreEntry(
  operator: string,
  part: string,
  { kind, schema }: CellDeclaration,
  entry: string | undefined,
  stored: unknown,
): unknown {
  if (!Array.isArray(stored) || stored.length < 1 || stored.length > 2) throw refused(operator, part, "is no entry");
  const [value, expires] = stored as [unknown, unknown?];
  if (stored.length === 2 && typeof expires !== "number") throw refused(operator, part, "expires at no time");
  // A list's head is the number of its next element.
  const isHead = kind === "list" && entry === undefined;
  if (isHead && Number.isSafeInteger(value)) return stored;
  try {
    if (isHead) throw new TypeError("its length is no number");
    const checked = validate(schema, value);
    return stored.length === 2 ? [checked, expires] : [checked];
  } catch (cause) {
    throw refused(operator, part, `holds what its schema refuses: ${messageOf(cause)}`, cause);
  }
}

const refused = (operator: string, cell: string, how: string, cause?: unknown) =>
  systemicError({
    code: "state/cell",
    message: `The state "${cell}" of operator "${operator}" ${how}.`,
    advice: "Deploy the process function as it was, or begin a new generation.",
    cause,
  });
