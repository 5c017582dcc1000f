import { Aggregation, type Accumulators } from "../../operators/aggregation.ts";
import { keyCodeIn, OpenWindows, type EndingWindows } from "../../operators/open-windows.ts";
import { pendingOf, slicesWithin } from "../../operators/sliding-aggregate.ts";
import { objectMaker } from "../../object-maker.ts";
import type { NodeOf } from "../../pipeline/topology.ts";
import type { TaskState } from "../../state/task-state.ts";
import { END_OF_TIME } from "../../time/instant.ts";

interface Found {
  readonly start?: number;
  readonly end?: number;
  readonly accumulators: Accumulators | undefined;
}

/** Rows as those of the windows that an operator has open for a key would be now, in the order of their ends. */
export function openWindowsOf(node: NodeOf<"window">, state: TaskState, keyCode: string): readonly unknown[] {
  const aggregation = new Aggregation(node.name, node.aggregates);
  return foundIn(node, state, keyCode, aggregation).map(({ start, end, accumulators }) => {
    const row: Record<string, unknown> = end === undefined ? {} : { windowStart: start, windowEnd: end };
    if (accumulators === undefined) return row;
    const results: unknown[] = [];
    aggregation.putResults(results, 0, accumulators);
    return { ...row, ...objectMaker(aggregation.names)(results) };
  });
}

function foundIn(
  { name, assigner, trigger }: NodeOf<"window">,
  state: TaskState,
  keyCode: string,
  aggregation: Aggregation,
): readonly Found[] {
  switch (assigner.kind) {
    case "count":
      return notFull(name, state, keyCode);
    case "sliding":
      return pending(name, assigner.preceding, state, keyCode, aggregation);
    default:
      return notEnded(name, assigner, trigger !== undefined, state, keyCode);
  }
}

function notEnded(name: string, assigner: EndingWindows, fires: boolean, state: TaskState, keyCode: string) {
  const table = state.table(name);
  const windows = new OpenWindows(assigner, table, fires);
  const ends = [...table.spaces()].sort((a, b) => a - b);
  return ends.flatMap((end) =>
    [...table.entriesOf(end).keys()]
      .filter((key) => keyCodeIn(assigner, key) === keyCode)
      .map((key) => windows.get({ end }, key)!)
      .sort((a, b) => a.start - b.start)
      .map(({ start, accumulators }): Found =>
        assigner.kind === "global" ? { accumulators } : { start, end, accumulators },
      ),
  );
}

function notFull(name: string, state: TaskState, keyCode: string): readonly Found[] {
  const stored = state.table(name).get(END_OF_TIME, keyCode);
  if (stored === undefined) return [];
  const [accumulators, , least, latest] = stored as readonly [Accumulators, number, number, number];
  return [{ start: least, end: latest + 1, accumulators }];
}

function pending(name: string, preceding: number, state: TaskState, keyCode: string, by: Aggregation) {
  const slices = state.table(name);
  const ends = state.table(pendingOf(name)).spacesOf(keyCode);
  return Array.from(ends, (end): Found => {
    const parts = slicesWithin(slices, keyCode, end, preceding);
    const accumulators = parts.reduce<Accumulators | undefined>((all, part) => by.merge(all, part), undefined);
    return { start: end - 1 - preceding, end, accumulators };
  });
}
