import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { bundleOptions, readableOutputs, unusedBy } from "../../lib/cdk/bundle.ts";
import { planStages } from "../../lib/plan/stage.ts";
import { table } from "../affinity/tables.ts";
import { bundledEntry } from "../harness/entries.ts";
import { functionNode } from "../harness/function-node.ts";
import { metered } from "../harness/metered.ts";
import { median, shown, spread } from "../harness/statistics.ts";
import { emptyDirectory, ROOT, say } from "../harness/work.ts";
import readings from "../state/readings.ts";
import { bytesFrom } from "./sizes.ts";

/** A bundle, and what loading it took, round by round. */
export interface LoadFigures {
  readonly name: string;
  /** Minified, of all its modules. */
  readonly bytes: number;
  readonly gzip: number;
  /** Of the modules that are read at the start. */
  readonly readBytes: number;
  /** Milliseconds. */
  readonly cpu: readonly number[];
  readonly wall: readonly number[];
  /** The most memory resident, MB. */
  readonly rss: readonly number[];
}

/** Packages that weigh something, with all that they export: nothing is shaken off. */
const SMALL = ["zod", "fast-check", "protobufjs", "avsc"];
const LARGE = [...SMALL, "typescript"];

const HANDLER = "bench/bundle/handler.ts";

const BUNDLES: readonly {
  readonly name: string;
  readonly handler?: string;
  readonly also: readonly string[];
  readonly isLazy?: true;
}[] = [
  { name: "a schema library alone (zod)", also: ["zod"] },
  { name: "a function of Millrace", handler: HANDLER, also: [] },
  { name: `the function and ${SMALL.join(", ")}`, handler: HANDLER, also: SMALL },
  { name: "the function, these and typescript", handler: HANDLER, also: LARGE },
  { name: "the same, which asks for them later: import()", handler: HANDLER, also: LARGE, isLazy: true },
];

/** Loads bundles of several sizes in new processes. @param env what the function's module reads at its start */
export async function loadFigures(rounds: number, env: NodeJS.ProcessEnv): Promise<readonly LoadFigures[]> {
  const directory = emptyDirectory("loads");
  const program = bundledEntry("bundle/load-entry");
  const figures = BUNDLES.map((bundle, i) => ({
    ...{ name: bundle.name, ...built(bundle, path.join(directory, String(i))) },
    ...{ cpu: [] as number[], wall: [] as number[], rss: [] as number[] },
  }));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < figures.length; i++) {
      const at = (i + round) % figures.length;
      const one = figures[at]!;
      say(`round ${round + 1} of ${rounds}: loading ${one.name}`);
      const module = path.join(directory, String(at), "index.mjs");
      const { usage, output } = await metered(functionNode(), [program, module], { env });
      const { cpu, wall } = JSON.parse(output.trimEnd().split("\n").at(-1)!) as { cpu: number; wall: number };
      one.cpu.push(cpu);
      one.wall.push(wall);
      one.rss.push(usage.rss);
    }
  }
  return figures;
}

/** Bundles as CDK does, into a directory. */
function built(
  { handler, also, isLazy }: (typeof BUNDLES)[number],
  outdir: string,
): Pick<LoadFigures, "bytes" | "gzip" | "readBytes"> {
  const source = [
    ...(handler === undefined ? [] : [`export { handler } from ${JSON.stringify(path.join(ROOT, handler))};`]),
    ...also.map((name, i) =>
      isLazy
        ? `export const later${i} = () => import(${JSON.stringify(name)});`
        : `import * as package${i} from ${JSON.stringify(name)}; globalThis.kept${i} = package${i};`,
    ),
  ].join("\n");
  const entry = path.join(emptyDirectory("loads", `source-${path.basename(outdir)}`), "index.ts");
  writeFileSync(entry, source);
  const options = {
    ...bundleOptions(entry, ROOT),
    nodePaths: [path.join(ROOT, "node_modules")],
    define: { __filename: "import.meta.filename" }, // which typescript asks for, being CommonJS
  };
  const { metafile, outputFiles } = buildSync({ ...options, sourcemap: false });
  const deployed = readableOutputs(metafile, unusedBy(planStages(readings)));
  const files = outputFiles.filter((file) => deployed.has(path.relative(ROOT, file.path)));
  mkdirSync(outdir);
  for (const file of files) writeFileSync(path.join(outdir, path.basename(file.path)), file.contents);
  const sum = (of: (contents: Uint8Array) => number) => files.reduce((all, { contents }) => all + of(contents), 0);
  return {
    bytes: sum(({ length }) => length),
    gzip: sum((contents) => gzipSync(contents, { level: 9 }).length),
    readBytes: bytesFrom(metafile, (entryPoint) => entryPoint.endsWith(path.relative(ROOT, entry))),
  };
}

export const loadsTable = (loads: readonly LoadFigures[]): string =>
  table(
    ["", "KB, minified", "gzip", "read at the start", "CPU ms of loading", "wall ms", "peak MB"],
    loads.map(({ name, bytes, gzip, readBytes, cpu, wall, rss }) => [
      name,
      ...[bytes, gzip, readBytes].map((size) => shown(size / 1_024)),
      spread(cpu),
      shown(median(wall)),
      shown(median(rss)),
    ]),
  );
