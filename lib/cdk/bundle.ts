import { existsSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, resolve } from "node:path";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { buildSync, type BuildOptions } from "esbuild";
import { definitionError, messageOf } from "../errors.ts";

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
 * @throws definition error `provision/bundle` when the module is missing or cannot be bundled
 */
export function bundledCode(handler: string, root: string): Code {
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
      command: ["esbuild", relative(root, entry)],
      local: {
        tryBundle(outputDirectory) {
          for (const file of bundle(entry, root)) writeFileSync(join(outputDirectory, file.name), file.contents);
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
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node22",
    format: "esm",
    mainFields: ["module", "main"],
    alias: inlined(),
    banner: { js: REQUIRE },
    minify: true,
    sourcemap: true,
    // Stack traces need names and lines only; without the text the map is a fraction of its size.
    sourcesContent: false,
    legalComments: "none",
    logLevel: "silent",
  }) as const satisfies BuildOptions;

function bundle(entry: string, root: string): readonly BundledFile[] {
  try {
    const { outputFiles } = buildSync(bundleOptions(entry, root));
    return outputFiles.map(({ path, contents }) => ({ name: basename(path), contents }));
  } catch (cause) {
    throw definitionError({
      code: "provision/bundle",
      message: `The handler ${relative(root, entry)} cannot be bundled: ${messageOf(cause)}`,
      advice: "Run esbuild on it to see where.",
      cause,
    });
  }
}
