import { hashOf } from "../../state/hash-range.ts";
import { keyGroupOf } from "../../state/key-group.ts";
import { encodeValue } from "../../state/value-text.ts";
import type { OperatorContext, Push } from "../operator.ts";
import { checkElementBytes, elementText, tracedText } from "../element.ts";
import { keyCoder } from "../shuffle.ts";
import { rowChangesOf, type TableSpec } from "./table-change.ts";

/** Hexadecimal digits of a row's hash that decide among versions of one time and order. */
const TIE_DIGITS = 16;

/**
 * The end of a stage: sends what each value says of a row to where the row's versions are, as `[version, order, tie, row]`, without
 * a row for a removal.
 *
 * @param stage that reads them
 */
export function sendTable(spec: TableSpec, stage: string, context: OperatorContext): Push {
  const { name, version, key } = spec;
  const what = `toTable("${name}")`;
  const keyCodeOf = keyCoder(key);
  const counts = context.state.counters.of(name);
  return (value, { time }) => {
    context.enter(name);
    counts.in.add();
    const changes = rowChangesOf(spec, value);
    for (const { of, row, order } of changes) {
      const keyCode = keyCodeOf(of);
      const text = row === undefined ? undefined : encodeValue(row.is, `A row for ${what}`);
      // Made here, of what is sent: a migration, which changes it, decides nothing differently.
      const tie = text === undefined ? "" : hashOf(text).slice(0, TIE_DIGITS);
      const content = `[${version},${encodeValue(order, what)},"${tie}"${text === undefined ? "" : `,${text}`}]`;
      const body = elementText(keyGroupOf(keyCode), name, time, keyCode, content);
      checkElementBytes(body, what);
      context.send(stage, tracedText(body, context.traces()));
      counts.sent.add();
    }
    counts[changes.length === 0 ? "filtered" : "folded"].add();
  };
}
