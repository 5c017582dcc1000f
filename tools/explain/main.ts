import { explain } from "millrace";
import { pipelines } from "../../infra/pipelines.ts";

/** `npm run explain -- [pipeline …]`: how the app's pipelines run. */
const wanted = process.argv.slice(2);
const known = pipelines.map(({ pipeline }) => pipeline.name);
const unknown = wanted.find((name) => !known.includes(name));
if (unknown !== undefined) {
  console.error(`There is no pipeline "${unknown}" in infra/pipelines.ts; there are ${known.join(", ")}.`);
  process.exitCode = 1;
} else {
  for (const { pipeline } of pipelines) {
    if (wanted.length === 0 || wanted.includes(pipeline.name)) console.log(explain(pipeline));
  }
}
