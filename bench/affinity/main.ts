import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { measure } from "./measure.ts";
import { runGrid, tablesOf } from "./study.ts";

/**
 * `npm run affinity`: what it costs that Lambda ties no shard to a container. Prints the tables of docs/scale.md and
 * one of every configuration; `-- --write` puts them into the document, `-- --measure` measures what the model assumes
 * of decoding, on this machine.
 */
const DOCUMENT = path.join(import.meta.dirname, "../../docs/scale.md");

const { values } = parseArgs({
  options: { write: { type: "boolean", default: false }, measure: { type: "boolean", default: false } },
});

if (values.measure) {
  for (const inRuns of [true, false]) {
    for (const entries of [600, 6_000, 58_000, 580_000])
      console.log(entries, inRuns ? "entries" : "entries that cannot be in runs", await measure(entries, inRuns));
  }
} else {
  const progress = (what: string) => process.stderr.write(`${what}\n`);
  const tables = await tablesOf(await runGrid(progress), progress);
  if (values.write) writeFileSync(DOCUMENT, inserted(readFileSync(DOCUMENT, "utf8"), tables));
  for (const [name, text] of [...tables].toSorted(([a], [b]) => Number(b === "all") - Number(a === "all")))
    console.log(`\n${name}\n\n${text}`);
}

/** Replaces what stands between `<!-- table NAME -->` and `<!-- end -->`. */
function inserted(document: string, tables: ReadonlyMap<string, string>): string {
  return document.replaceAll(/(<!-- table (\S+) -->\n)[^]*?(<!-- end -->)/g, (_, start: string, name: string, end) => {
    const text = tables.get(name);
    if (text === undefined) throw new Error(`docs/scale.md asks for a table "${name}", which there is not.`);
    return `${start}\n${text}\n\n${String(end)}`;
  });
}
