import type { Pipeline } from "millrace";
import type { TaskStatus } from "millrace/lambda";
import type { Stage } from "../../lib/plan/stage.ts";
import type { OperatorCounts } from "../../lib/state/counters.ts";
import { whole } from "./print.ts";

/** What became of every record of a stage, along the chain from where it enters to its window, or to the next stage. */
export interface Accounts {
  readonly stage: string;
  readonly in: number;
  /** In a window, or with the next stage. */
  readonly folded: number;
  readonly filtered: number;
  readonly late: number;
  readonly dead: number;
  /** Windows closed. */
  readonly closed: number;
  /** Values sent to other stages: records, or a window's rows. */
  readonly sent: Readonly<Record<string, number>>;
}

/**
 * Adds up the counters that a stage's tasks commit with their state.
 *
 * @throws for a stage that is not one chain to one window or to the next stage: where streams branch, a record counts twice
 */
export function accountsOf(pipeline: Pipeline, stage: Stage, tasks: readonly TaskStatus[]): Accounts {
  const chain = chainOf(pipeline, stage);
  const total = (names: readonly string[], field: keyof OperatorCounts): number =>
    tasks.reduce(
      (sum, { counters }) => sum + names.reduce((own, name) => own + (counters.get(name)?.[field] ?? 0), 0),
      0,
    );
  const root = [stage.name];
  const end = chain.slice(-1).map(({ name }) => name);
  const between = chain.slice(1, -1).map(({ name }) => name);
  return {
    stage: stage.name,
    in: total(root, "in"),
    folded: total(end, "folded"),
    filtered: total([...between, ...end], "filtered"),
    late: total(end, "late"),
    dead: total(root, "dead"),
    closed: total(end, "closed"),
    sent: Object.fromEntries(
      stage.shuffles.map(({ stage: reader, keyBys }) => [
        reader,
        total(
          keyBys.map(({ name }) => name),
          "folded",
        ),
      ]),
    ),
  };
}

/**
 * Whether no record was lost and none counted twice: each one's fate is known, those that came in are those that were
 * put, and what stages sent to another one is what it took in.
 *
 * @param all of every stage, producers first @param put records put into the source
 */
export const addsUp = (all: readonly Accounts[], put: number): boolean =>
  all.every((accounts, i) => {
    const sent = all.reduce((sum, { sent: to }) => sum + (to[accounts.stage] ?? 0), 0);
    return (
      accounts.in === (i === 0 ? put : sent) &&
      accounts.in === accounts.folded + accounts.filtered + accounts.late + accounts.dead
    );
  });

export const equation = ({ in: all, folded, filtered, late, dead }: Accounts): string =>
  `in ${whole(all)} = folded ${whole(folded)} + filtered ${whole(filtered)} + late ${whole(late)} + dead ${whole(dead)}`;

/** The nodes on a record's way, first the stage's root, last the window or the `keyBy` that leads out. */
function chainOf({ name, nodes }: Pipeline, stage: Stage): Pipeline["nodes"] {
  const [root] = stage.roots;
  const within = stage.nodes.map((at) => nodes[at]!);
  const windows = within.filter(({ kind }) => kind === "window");
  const last = windows[0] ?? within.find((node, i) => node.kind === "keyBy" && stage.nodes[i] !== root);
  if (windows.length > 1 || last === undefined)
    throw new Error(
      `The stage "${stage.name}" of "${name}" has ${windows.length} windows; the accounts are of one, or of what leads to the next stage.`,
    );
  const chain = [last];
  for (let at = inputOf(last); at !== undefined;) {
    const node: Pipeline["nodes"][number] = nodes[at]!;
    chain.unshift(node);
    at = at === root ? undefined : inputOf(node);
  }
  return chain;
}

const inputOf = (node: Pipeline["nodes"][number]): number | undefined =>
  node.kind === "source" ? undefined : node.kind === "union" ? node.inputs[0] : node.input;
