import { systemicError } from "../../errors.ts";
import { parseOutputId, parseTaskName } from "../../state/task-id.ts";
import { rowOf, versionOf, type Item, type ViewShape } from "./row.ts";
import { ID, REMOVED } from "./version.ts";

/** What a row is as of: the output that it came by. */
export interface AsOf {
  readonly outputId: string;
  /** Raised by a replay: rows of a lesser one were not written again yet. */
  readonly generation: number;
  readonly task: string;
  readonly epoch: number;
  /** The row's own version, if the view has one. */
  readonly version?: number | bigint;
}

/** A row that was found. */
export interface Found<R> {
  readonly row: R;
  readonly asOf: AsOf;
}

/** The row of an item; nothing for a tombstone. @throws systemic error `view/item` for what no view has written */
export function foundIn(shape: ViewShape, item: Item): Found<unknown> | undefined {
  if (item[REMOVED] !== undefined) return undefined;
  const outputId = item[ID]?.S;
  if (outputId === undefined) {
    throw systemicError({
      code: "view/item",
      message: `The table of view("${shape.name}") has an item without an output's id.`,
      advice: "Nothing but the pipeline may write into a view's table.",
    });
  }
  const { task, epoch } = parseOutputId(outputId);
  const version = versionOf(shape, item);
  return {
    row: rowOf(shape, item),
    asOf: {
      outputId,
      generation: parseTaskName(task).generation,
      task,
      epoch,
      ...(version === undefined ? {} : { version: Number.isSafeInteger(Number(version)) ? Number(version) : version }),
    },
  };
}
