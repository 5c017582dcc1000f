import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";

/** The project's root. */
export const ROOT = path.join(import.meta.dirname, "../..");

/** Where peers are installed and data is made: never part of the repository. */
const WORK = path.join(ROOT, ".millrace/bench");

/** A directory of the work directory, made when it is missing. */
export function workDirectory(...names: readonly string[]): string {
  const directory = path.join(WORK, ...names);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** An empty directory of the work directory. */
export function emptyDirectory(...names: readonly string[]): string {
  rmSync(path.join(WORK, ...names), { recursive: true, force: true });
  return workDirectory(...names);
}

/** Runs a command to its end. @returns what it wrote @throws with what it wrote when it fails */
export function run(command: string, args: readonly string[], options: { readonly cwd?: string } = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", ...options });
  if (error !== undefined) throw new Error(`${command} could not be run: is it installed?`, { cause: error });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${stdout}${stderr}`);
  return stdout + stderr;
}

export const say = (line: string): void => void process.stderr.write(`${line}\n`);
