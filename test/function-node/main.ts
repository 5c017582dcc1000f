import { spawnSync } from "node:child_process";
import { functionNode } from "../../bench/harness/function-node.ts";

/**
 * `npm run function-node -- PROGRAM ARGUMENTS…`: a program of this repository on the Node that functions run on, which npm
 * brings, whatever runs here.
 *
 *     npm run function-node -- node_modules/vitest/vitest.mjs run test/turn
 *     npm run function-node -- test/simulation/main.ts --runs 1000
 */
const { status } = spawnSync(functionNode(), ["--import", "tsx", ...process.argv.slice(2)], { stdio: "inherit" });
process.exitCode = status ?? 1;
