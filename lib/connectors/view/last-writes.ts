import type { Delivery } from "../../runtime/sink-writer.ts";
import { versionOf, type Item, type ViewShape } from "./row.ts";
import { EXPIRES, ID, originOf, REMOVED, VERSION, type Origin } from "./version.ts";

/** A row, or a tombstone, as it is put. */
export interface Write {
  /** Which of the deliveries it is. */
  readonly index: number;
  readonly item: Item;
  readonly origin: Origin;
}

/**
 * What must be put for rows to be delivered: of each key the newest. The others would be overwritten.
 *
 * @param expires when tombstones may go, epoch seconds
 * @returns in the order of the deliveries
 */
export function lastWrites(shape: ViewShape, deliveries: readonly Delivery[], expires: number): readonly Write[] {
  const newest = new Map<string, Write>();
  deliveries.forEach(({ id, body }, index) => {
    const row = JSON.parse(body) as Item;
    const key = JSON.stringify(shape.key.map(({ field }) => row[field]));
    const origin = originOf(id, versionOf(shape, row));
    const known = newest.get(key);
    if (known !== undefined && known.origin.version > origin.version) return;
    const item: Item = {
      ...row,
      [VERSION]: { S: origin.version },
      [ID]: { S: id },
      ...(row[REMOVED] === undefined ? {} : { [EXPIRES]: { N: String(expires) } }),
    };
    newest.set(key, { index, item, origin });
  });
  return [...newest.values()].sort((a, b) => a.index - b.index);
}
