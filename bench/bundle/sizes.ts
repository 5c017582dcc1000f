import { gzipSync } from "node:zlib";
import type { Metafile } from "esbuild";
import { buildWithout, bundleOptions, readableOutputs, unusedBy } from "../../lib/cdk/bundle.ts";
import type { Pipeline } from "../../lib/pipeline/topology.ts";
import { planStages } from "../../lib/plan/stage.ts";
import { ROOT } from "../harness/work.ts";
import path from "node:path";

/** Bytes of a function's bundle, minified. */
export interface BundleSizes {
  readonly handler: string;
  /** By whom they are: the package, or what of the project it is. */
  readonly by: Readonly<Record<string, number>>;
  readonly whole: number;
  readonly withoutSdk: number;
  /** Of these what a function reads: not the code of systems that its pipeline has nothing to do with. */
  readonly loaded: number;
  readonly withoutSdkGzip: number;
  readonly wholeGzip: number;
}

/** What the pipelines here have for sources and sinks, with the shuffles between their stages. */
const FACES = ["kinesis/source", "kinesis/shuffle", "firehose/sink"].map((face) => `lib/connectors/${face}.ts`);

const SDK = /^@(aws-sdk|smithy|aws|aws-crypto)(\/|$)/;

/** The bundles that CDK would make, without their source maps. */
export function sizesOf(handler: string, pipeline: Pipeline): BundleSizes {
  const without = unusedBy(planStages(pipeline));
  const build = (external: readonly string[]) => {
    const options = { ...bundleOptions(path.join(ROOT, handler), ROOT), sourcemap: false, external: [...external] };
    const { outputFiles, metafile } = buildWithout(options, without);
    const deployed = readableOutputs(metafile, without);
    const isDeployed = (file: string) => deployed.has(path.relative(ROOT, file));
    const bytes = outputFiles.filter((file) => isDeployed(file.path)).map(({ contents }) => contents);
    const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
    for (const name of Object.keys(metafile.outputs)) if (!deployed.has(name)) delete metafile.outputs[name];
    return {
      metafile,
      bytes: sum(bytes.map(({ length }) => length)),
      gzip: sum(bytes.map((contents) => gzipSync(contents, { level: 9 }).length)),
    };
  };
  const whole = build([]);
  const own = build(["@aws-sdk/*", "@smithy/*"]);
  const by: Record<string, number> = {};
  for (const { inputs } of Object.values(whole.metafile.outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(inputs))
      by[ownerOf(input)] = (by[ownerOf(input)] ?? 0) + bytesInOutput;
  }
  return {
    handler,
    by,
    whole: whole.bytes,
    withoutSdk: own.bytes,
    withoutSdkGzip: own.gzip,
    loaded: loadedBytes(own.metafile),
    wholeGzip: whole.gzip,
  };
}

function ownerOf(input: string): string {
  const inner = input.split("node_modules/").at(-1)!;
  if (inner === input) return input.startsWith("lib/") ? "Millrace" : "pipeline";
  const [scope = "", name = ""] = inner.split("/");
  const owner = scope.startsWith("@") ? `${scope}/${name}` : scope;
  return SDK.test(owner) ? "AWS SDK" : owner;
}

/** Bytes of the module that Lambda starts with, of the faces, and of all that these import. */
const loadedBytes = (metafile: Metafile): number =>
  bytesFrom(metafile, (entryPoint) => entryPoint.endsWith("handler.ts") || FACES.includes(entryPoint));

/** Bytes of some entry points, and of all that these import. */
export function bytesFrom({ outputs }: Metafile, isStart: (entryPoint: string) => boolean): number {
  const loaded = new Set<string>();
  const load = (name: string): void => {
    const output = outputs[name];
    if (output === undefined || loaded.has(name)) return; // what is not in the bundle is the SDK's, or Node's
    loaded.add(name);
    for (const { path: imported, kind } of output.imports) if (kind === "import-statement") load(imported);
  };
  for (const [name, { entryPoint }] of Object.entries(outputs))
    if (entryPoint !== undefined && isStart(entryPoint)) load(name);
  return [...loaded].reduce((sum, name) => sum + outputs[name]!.bytes, 0);
}
