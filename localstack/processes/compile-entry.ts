import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const REQUIRE = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;

/**
 * Makes a child's entry file runnable by plain Node: children run without a TypeScript loader, which would cost
 * them memory and start-up time and would be seen by the functions. Gives the made file's path. Packages written
 * in plain JavaScript can be bundled along; others the entry must be told the place of.
 */
export function compileEntry(entry: string, directory: string, packages: "external" | "bundle" = "external"): string {
  const outfile = join(directory, `${basename(entry, extname(entry))}.mjs`);
  // Synchronous, because the other way leaves esbuild's own service process behind.
  buildSync({
    entryPoints: [entry],
    outfile,
    bundle: true,
    packages,
    platform: "node",
    target: "node20",
    format: "esm",
    // Packages of CommonJS ask for Node's own modules so.
    ...(packages === "bundle" ? { banner: { js: REQUIRE } } : {}),
    logLevel: "silent",
  });
  return outfile;
}

/** The URL that a package's main entry resolves to: compiled entries lie where Node would not find packages. */
export function packageEntry(name: string): string {
  return import.meta.resolve(name);
}

/** The path of a module beside another one, named without an ending: it has that one's, as sources and built files do. */
export function siblingFile(moduleUrl: string, name: string): string {
  return fileURLToPath(new URL(name + extname(moduleUrl), moduleUrl));
}
