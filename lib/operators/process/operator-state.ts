import { messageOf, systemicError } from "../../errors.ts";
import { keyCodeIn } from "../../state/entry-key.ts";
import { WHOLE_RANGE, type KeyHash } from "../../state/hash-range.ts";
import type { TableDelta } from "../../state/keyed-table.ts";
import { TaskState } from "../../state/task-state.ts";
import { ExpiringEntries } from "../expiring-entries.ts";
import type { CellDeclaration, CellDeclarations } from "./cell.ts";
import { cellOf, type AnyCell } from "./cells.ts";
import type { CellScope, Scope } from "./scope.ts";

/** The table of an operator's own state. */
export const operatorTableOf = (operator: string): string => `${operator}$operator`;

/**
 * The operator's own state in one task, whichever key it is called for.
 *
 * State: as that of keys, under a position in place of a key: the low end of the task's range. So it moves as keys do. Of a
 * task that is split, the one that has the position takes it; where two meet, {@link uniteCells} makes one of them.
 */
export class PositionScope implements CellScope {
  readonly operator: string;
  readonly clock = Number.NEGATIVE_INFINITY; // it has no time to live
  readonly #state: TaskState;
  readonly #scope: Scope;

  constructor(state: TaskState, scope: Scope) {
    this.operator = scope.operator;
    this.#state = state;
    this.#scope = scope;
  }

  get time(): number {
    return this.#scope.time;
  }

  get keyCode(): string {
    void this.#scope.call; // only while user code is called
    return positionOf(this.#state);
  }

  checkRange(): void {
    // A position is within the range that it is of.
  }
}

const positionOf = ({ range }: TaskState): KeyHash => (range ?? WHOLE_RANGE).from;

/**
 * Makes one of the states of several tasks that have become one, in the order of their ranges: of `reducing` by its function
 * and of `value` by `unite`, of lists one after the other, of maps the entries of all; of a key that several have, the
 * lowest range's.
 *
 * @param position of the task that has them now
 * @throws systemic error `state/unite`
 */
export function uniteCells(
  operator: string,
  cells: CellDeclarations,
  delta: TableDelta,
  position: KeyHash,
): TableDelta {
  const positions = [...new Set(delta.put.flatMap(([, keys]) => keys.map(keyCodeIn)))].sort();
  const others = positions.filter((one) => one !== position);
  if (others.length === 0) return delta;
  const state = new TaskState();
  const name = operatorTableOf(operator);
  state.table(name).apply(delta);
  const entries = new ExpiringEntries(name, state);
  for (const [cell, declaration] of Object.entries(cells)) {
    // What is read where nothing is stored is nobody's state.
    const stored = { ...declaration, initial: undefined };
    const at = (of: KeyHash) => cellOf(cell, stored, entries, fixedScope(operator, of));
    for (const other of others) {
      try {
        uniteCell(declaration, at(position), at(other));
      } catch (cause) {
        throw notUnited(operator, cell, cause);
      }
    }
  }
  return state.table(name).snapshot();
}

const fixedScope = (operator: string, position: KeyHash): CellScope => ({
  operator,
  clock: Number.NEGATIVE_INFINITY,
  time: Number.NEGATIVE_INFINITY,
  keyCode: position,
  checkRange: () => undefined,
});

/** Adds what one cell holds to another, which comes before it, and clears it. */
function uniteCell({ reduce }: CellDeclaration, into: AnyCell, from: AnyCell): void {
  if ("append" in into) for (const element of (from as typeof into).get()) into.append(element);
  else if ("entries" in into) {
    for (const [key, value] of (from as typeof into).entries()) if (!into.has(key)) into.set(key, value);
  } else {
    const value = (from as typeof into).get();
    if (value === undefined) return;
    const before = into.get();
    if ("add" in into) into.add(value);
    else into.set(before === undefined ? value : (reduce as (a: unknown, b: unknown) => unknown)(before, value));
  }
  from.clear();
}

const notUnited = (operator: string, cell: string, cause: unknown) =>
  systemicError({
    code: "state/unite",
    message: `The operator state "${cell}" of operator "${operator}" could not be united after a merge: ${messageOf(cause)}.`,
    advice:
      "Deploy a build whose function unites any two states. Nothing is lost: the parents' states stay as they are.",
    cause,
  });
