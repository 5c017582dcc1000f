import { parseArgs } from "node:util";
import { identifiedConfiguration, stagedConfiguration } from "../simulation/configurations.ts";
import { runOnce } from "../simulation/work.ts";

/** Runs of the simulator, one after the other, until one fails. Bundled with a mutant in it, or with none. */

const { values } = parseArgs({
  options: { runs: { type: "string" }, seed: { type: "string" }, staged: { type: "boolean" } },
});
const configure = values.staged === true ? stagedConfiguration : identifiedConfiguration;
for (let run = 0; run < Number(values.runs); run++) {
  const [failure] = (await runOnce(configure, values.seed!, run)).failures;
  if (failure === undefined) continue;
  console.log(JSON.stringify({ run, ...failure }));
  process.exit(1);
}
