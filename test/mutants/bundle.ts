import { readFile } from "node:fs/promises";
import path from "node:path";
import { build, type Plugin } from "esbuild";
import type { Mutant } from "./mutant.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** @throws when the text to be replaced is not there exactly once: the library has changed, and so must the mutant */
export function mutate(source: string, { name, file, find, replace }: Mutant): string {
  const parts = source.split(find);
  if (parts.length !== 2) {
    throw new Error(
      `Mutant "${name}": its text stands ${parts.length - 1} times in ${file}; it must stand there once.`,
    );
  }
  return parts.join(replace);
}

/** The simulator with one mutant in it, or none, as one file. */
export async function bundleSimulator(outfile: string, mutant?: Mutant): Promise<void> {
  const plugin: Plugin = {
    name: "mutant",
    setup(on) {
      if (mutant === undefined) return;
      const mutated = path.join(ROOT, mutant.file);
      on.onLoad({ filter: /\.ts$/ }, async ({ path: file }) =>
        file === mutated ? { contents: mutate(await readFile(file, "utf8"), mutant), loader: "ts" } : undefined,
      );
    },
  };
  await build({
    entryPoints: [path.join(import.meta.dirname, "runs.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    plugins: [plugin],
    tsconfig: path.join(ROOT, "tsconfig.json"),
    logLevel: "silent",
  });
}
