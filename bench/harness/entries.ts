import path from "node:path";
import { buildSync } from "esbuild";
import { ROOT, workDirectory } from "./work.ts";

const REQUIRE = `import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);`;

/** A child's program as one file that plain Node runs: as a function's bundle is made, without the AWS SDK. */
export function bundledEntry(name: string): string {
  const outfile = path.join(workDirectory("entries"), `${path.basename(name)}.mjs`);
  buildSync({
    entryPoints: [path.join(ROOT, "bench", `${name}.ts`)],
    absWorkingDir: ROOT,
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    mainFields: ["module", "main"],
    banner: { js: REQUIRE },
    external: ["@aws-sdk/*", "@duckdb/*"],
    logLevel: "silent",
  });
  return outfile;
}
