import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import path from "node:path";
import { format } from "prettier";
import { ROOT } from "./work.ts";

/** What figures were measured on: nothing that names the machine. */
export interface Machine {
  readonly cores: number;
  readonly model: string;
  readonly memoryGigabytes: number;
  readonly platform: string;
  readonly node: string;
}

export interface Result<T> {
  readonly comparison: string;
  /** How it was run. */
  readonly command: string;
  /** ISO date. */
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly figures: T;
  /** What the figures leave out, one sentence each. */
  readonly notMeasured: readonly string[];
  /** The last line. */
  readonly line: string;
}

export const machine = (): Machine => ({
  cores: cpus().length,
  model: cpus()[0]!.model,
  memoryGigabytes: Math.round(totalmem() / 2 ** 30),
  platform: `${process.platform} ${process.arch}`,
  node: process.version,
});

/** The versions of npm packages that are installed in the project. */
export const packageVersions = (...names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    names.map((name) => {
      const file = path.join(ROOT, "node_modules", name, "package.json");
      return [name, (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version];
    }),
  );

const fileOf = (comparison: string): string => path.join(ROOT, "bench/results", `${comparison}.json`);

/** Writes a comparison's result, from which the documents are made. */
export async function writeResult<T>(
  comparison: string,
  rest: Pick<Result<T>, "figures" | "notMeasured" | "line" | "versions">,
): Promise<void> {
  const result: Result<T> = {
    comparison,
    command: ["npm run bench --", ...process.argv.slice(2)].join(" "),
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8", cwd: ROOT }).trim(),
    machine: machine(),
    ...rest,
  };
  mkdirSync(path.dirname(fileOf(comparison)), { recursive: true });
  writeFileSync(fileOf(comparison), await format(JSON.stringify(result), { parser: "json", printWidth: 120 }));
}

/** The last result of a comparison, if there is one. */
export function readResult<T>(comparison: string): Result<T> | undefined {
  const file = fileOf(comparison);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Result<T>) : undefined;
}
