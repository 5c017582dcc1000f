import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
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
