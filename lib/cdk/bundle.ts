import { existsSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { buildSync, type BuildOptions, type BuildResult, type Metafile } from "esbuild";
import { CONNECTOR_MODULES, modulesOf } from "../connectors/modules.ts";
import { definitionError, messageOf } from "../errors.ts";
import type { Stage } from "../plan/stage.ts";

/** The module of a bundle that Lambda starts with: its handler is `index.handler`. */
const ENTRY = "index";

/** Dependencies written in CommonJS call `require`, which a module does not have. */
const REQUIRE = `import { createRequire as millraceCreateRequire } from "node:module"; const require = millraceCreateRequire(import.meta.url);`;

/**
 * A function's code: a module with everything in it, AWS SDK included, and its source map. What a stage's source and sinks
 * alone need lies in modules beside it, which a function reads when it needs them.
 *
 * esbuild runs in this process, which takes about a second; a Docker image or the CLI would take many. The SDK
 * is in the bundle although Lambda has one, so that what was tested is what runs, and where it runs does not matter.
 *
 * @param handler path of the module, from `root`
 * @param without modules that are left out, with all that only they need, unless something else than an `import()` of the
 *   library's reads them: what the function never asks for. @default none
 * @throws definition error `provision/bundle` when the module is missing or cannot be bundled
 */
export function bundledCode(handler: string, root: string, without?: RegExp): Code {
  const entry = resolve(root, handler);
  if (!existsSync(entry)) {
    throw definitionError({
      code: "provision/bundle",
      message: `The handler ${handler} is not a file in ${root}.`,
      advice: "Name the module that exports `handler`, from the project's root.",
    });
  }
  return Code.fromAsset(dirname(entry), {
    // By content: the same sources give the same function, wherever and whenever they are bundled.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never used, as the bundling below does not fail over; but CDK tells bundles apart by what stands here.
      image: DockerImage.fromRegistry("scratch"),
      command: ["esbuild", relative(root, entry), ...(without === undefined ? [] : [without.source])],
      local: {
        tryBundle(outputDirectory) {
          for (const file of bundle(entry, root, without))
            writeFileSync(join(outputDirectory, file.name), file.contents);
          return true;
        },
      },
    },
  });
}

interface BundledFile {
  readonly name: string;
  readonly contents: Uint8Array;
}

/** Of Kafka's client the form that has its WebAssembly within: the other looks for a file, which a bundle does not have. */
function inlined(): Record<string, string> {
  const client = createRequire(import.meta.url).resolve("@platformatic/kafka");
  const wasm = "@platformatic/wasm-utils";
  return { [wasm]: createRequire(client).resolve(`${wasm}/bundled`) };
}

/** How a handler is bundled. Nothing is written by these alone. */
export const bundleOptions = (entry: string, root: string) =>
  ({
    entryPoints: { [ENTRY]: entry },
    absWorkingDir: root,
    // Nothing is written here: the place only gives the source map its relative paths, the same on every machine.
    outdir: join(root, "dist"),
    outExtension: { ".js": ".mjs" },
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node22",
    format: "esm",
    mainFields: ["module", "main"],
    alias: inlined(),
    // Native code is not in a bundle: not even looked for.
    define: { "process.env.MSGPACKR_NATIVE_ACCELERATION_DISABLED": '"true"' },
    banner: { js: REQUIRE },
    minify: true,
    sourcemap: true,
    // Stack traces need names and lines only; without the text the map is a fraction of its size.
    sourcesContent: false,
    legalComments: "none",
    logLevel: "silent",
  }) as const satisfies BuildOptions;

/** The modules that stages never ask for, for {@link bundledCode}. */
export function unusedBy(stages: readonly Stage[]): RegExp {
  const used = modulesOf(stages);
  const unused = CONNECTOR_MODULES.filter((module) => !used.has(module));
  return new RegExp(`/connectors/(${unused.join("|")})\\.[jt]s$`);
}

/** The library's own modules of connectors. */
const CONNECTORS = fileURLToPath(new URL("../connectors", import.meta.url));
const files = (): readonly string[] =>
  CONNECTOR_MODULES.map((module) => join(CONNECTORS, `${module}${extname(import.meta.url)}`));

type Buildable = Omit<ReturnType<typeof bundleOptions>, "sourcemap"> & {
  readonly sourcemap: boolean;
  external?: string[];
};

/**
 * Builds without some modules. What esbuild never sees lets it share less among more modules, so that a function reads fewer
 * and smaller ones: that is a tenth of what its start takes.
 *
 * @param without as {@link bundledCode} has it
 */
export function buildWithout(options: Buildable, without?: RegExp): BuildResult<Buildable> {
  const external = new Set(without === undefined ? [] : files().filter((file) => without.test(file)));
  for (;;) {
    const built = buildSync({ ...options, external: [...(options.external ?? []), ...external] });
    const imports = Object.values(built.metafile.outputs).flatMap((output) => output.imports);
    const read = imports.filter(({ path, kind }) => kind !== "dynamic-import" && isOf(external, options, path));
    if (read.length === 0) return built;
    for (const { path } of read) external.delete(resolve(options.outdir, path)); // something else needs it
  }
}

const isOf = (files: ReadonlySet<string>, { outdir }: { readonly outdir: string }, path: string): boolean =>
  files.has(resolve(outdir, path));

/** What of a bundle the module that Lambda starts with may come to read, as names in the metafile. */
export function readableOutputs({ outputs }: Metafile, without?: RegExp): ReadonlySet<string> {
  const readable = new Set<string>();
  const visit = (name: string): void => {
    const output = outputs[name];
    if (output === undefined || readable.has(name)) return; // what is not in the bundle is Node's
    readable.add(name);
    for (const { path, kind } of output.imports) {
      const { entryPoint = "" } = outputs[path] ?? {};
      if (kind !== "dynamic-import" || without?.test(entryPoint) !== true) visit(path);
    }
  };
  for (const name of Object.keys(outputs)) if (basename(name) === `${ENTRY}.mjs`) visit(name);
  return readable;
}

function bundle(entry: string, root: string, without: RegExp | undefined): readonly BundledFile[] {
  try {
    const { outputFiles, metafile } = buildWithout(bundleOptions(entry, root), without);
    const readable = new Set([...readableOutputs(metafile, without)].map((name) => basename(name)));
    return outputFiles
      .map(({ path, contents }) => ({ name: basename(path), contents }))
      .filter(({ name }) => readable.has(name.replace(/\.map$/, "")));
  } catch (cause) {
    throw definitionError({
      code: "provision/bundle",
      message: `The handler ${relative(root, entry)} cannot be bundled: ${messageOf(cause)}`,
      advice: "Run esbuild on it to see where.",
      cause,
    });
  }
}
