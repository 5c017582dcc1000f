import type { Pipeline } from "millrace";
import type { TaskStatus } from "millrace/lambda";
import { whole } from "./print.ts";

/** What became of every record, along the chain from the source to the window. */
export interface Accounts {
  readonly in: number;
  readonly folded: number;
  readonly filtered: number;
  readonly late: number;
  readonly dead: number;
  /** Windows closed. */
  readonly closed: number;
}

/**
 * Adds up the counters that tasks commit with their state.
 *
 * @throws for a pipeline that is not one chain to one window: where streams branch, a record counts twice
 */
export function accountsOf(pipeline: Pipeline, tasks: readonly TaskStatus[]): Accounts {
  const chain = chainOf(pipeline);
  const total = (names: readonly string[], field: keyof Accounts): number =>
    tasks.reduce(
      (sum, { counters }) => sum + names.reduce((own, name) => own + (counters.get(name)?.[field] ?? 0), 0),
      0,
    );
  const source = chain.filter(({ kind }) => kind === "source").map(({ name }) => name);
  const window = chain.filter(({ kind }) => kind === "window").map(({ name }) => name);
  const between = chain.filter(({ kind }) => kind !== "source" && kind !== "window").map(({ name }) => name);
  return {
    in: total(source, "in"),
    folded: total(window, "folded"),
    filtered: total(between, "filtered"),
    late: total(window, "late"),
    dead: total(source, "dead"),
    closed: total(window, "closed"),
  };
}

/** Whether no record was lost: those that came in are those that were put, and each one's fate is known. */
export const addsUp = (accounts: Accounts, put: number): boolean =>
  accounts.in === put && accounts.in === accounts.folded + accounts.filtered + accounts.late + accounts.dead;

export const equation = ({ in: all, folded, filtered, late, dead }: Accounts): string =>
  `in ${whole(all)} = folded ${whole(folded)} + filtered ${whole(filtered)} + late ${whole(late)} + dead ${whole(dead)}`;

function chainOf({ name, nodes }: Pipeline): Pipeline["nodes"] {
  const windows = nodes.flatMap((node, i) => (node.kind === "window" ? [i] : []));
  if (windows.length !== 1)
    throw new Error(`The pipeline "${name}" has ${windows.length} windows; the accounts are of one.`);
  const chain: Pipeline["nodes"][number][] = [];
  for (let at: number | undefined = windows[0]; at !== undefined;) {
    const node: Pipeline["nodes"][number] = nodes[at]!;
    chain.push(node);
    at = node.kind === "source" ? undefined : node.kind === "union" ? node.inputs[0] : node.input;
  }
  return chain;
}
