import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import path from "node:path";
import { packagesOf } from "./install.ts";

/** What function-node/package.json asks for: the major version is that of the functions. */
export const DESCRIPTION = path.join(import.meta.dirname, "function-node/package.json");

/** The Node.js that functions run on, from npm, whatever this process runs on: what Millrace takes is measured with it. */
export function functionNode(): string {
  const packages = path.join(packagesOf("function-node", DESCRIPTION), "node_modules");
  const programs = readdirSync(packages).map((name) => path.join(packages, name, "bin/node"));
  const program = programs.find((one) => existsSync(one));
  if (program === undefined) throw new Error(`npm has no Node.js for this machine among those of ${DESCRIPTION}.`);
  return program;
}

/** Its version, as results have it. */
export const functionNodeVersion = (): Readonly<Record<string, string>> => ({
  "the functions' Node": execFileSync(functionNode(), ["--version"], { encoding: "utf8" }).trim().slice(1),
});

/**
 * Runs this process's own command again on the functions' Node, where this is another one, and ends with its exit code.
 *
 * @returns whether that was done
 */
export function runsOnFunctionNode(): boolean {
  const program = functionNode();
  if (realpathSync(process.execPath) === realpathSync(program)) return false;
  const { status } = spawnSync(program, [...process.execArgv, ...process.argv.slice(1)], { stdio: "inherit" });
  process.exitCode = status ?? 1;
  return true;
}
