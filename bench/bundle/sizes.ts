import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { bundleOptions } from "../../lib/cdk/bundle.ts";
import { ROOT } from "../harness/work.ts";
import path from "node:path";

/** Bytes of a function's bundle, minified. */
export interface BundleSizes {
  readonly handler: string;
  /** By whom they are: the package, or what of the project it is. */
  readonly by: Readonly<Record<string, number>>;
  readonly whole: number;
  readonly withoutSdk: number;
  readonly withoutSdkGzip: number;
  readonly wholeGzip: number;
}

const SDK = /^@(aws-sdk|smithy|aws|aws-crypto)(\/|$)/;

/** The bundles that CDK would make, without their source maps. */
export function sizesOf(handler: string): BundleSizes {
  const build = (external: readonly string[]) => {
    const options = bundleOptions(path.join(ROOT, handler), ROOT);
    const { outputFiles, metafile } = buildSync({
      ...options,
      sourcemap: false,
      metafile: true,
      external: [...external],
    });
    const bytes = outputFiles.map(({ contents }) => contents);
    const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
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
