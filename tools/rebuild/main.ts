import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { Lake, Pipeline } from "millrace";
import { makeClients } from "../clients.ts";
import { rebuild } from "./rebuild.ts";

const HELP = `npm run rebuild -- --module FILE --bucket BUCKET [--prefix PREFIX] --view NAME=TABLE …

Puts into the tables of views what a pipeline makes of the rows of a lake. FILE exports a pipeline of one source, which takes the
lake's rows, as default, and the lake as \`lake\`. The views have a version: what is newer in a table stays.

  --module FILE       e.g. functions/keep-accounts/rebuild.ts
  --bucket BUCKET     the lake's: the stack's output LakeBucket
  --prefix PREFIX     where its files are                              [data/LAKE/]
  --view NAME=TABLE   a view, and its table: the stack's output Sink…Table
  --generation N      the generation of the pipeline that keeps the views       [0]
`;

/** `npm run rebuild`. @returns the exit code: 2 for a command line that cannot be followed */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      module: { type: "string" },
      bucket: { type: "string" },
      prefix: { type: "string" },
      view: { type: "string", multiple: true },
      generation: { type: "string", default: "0" },
    },
  });
  const tables = new Map((values.view ?? []).map((text) => text.split("=", 2) as [string, string]));
  const generation = Number(values.generation);
  if (values.module === undefined || values.bucket === undefined || tables.size === 0 || !(generation >= 0)) {
    process.stderr.write(HELP);
    return 2;
  }
  const { default: pipeline, lake } = (await import(pathToFileURL(path.resolve(values.module)).href)) as {
    readonly default: Pipeline;
    readonly lake: Lake<never>;
  };
  const { dynamodb, s3 } = makeClients();
  const { rows, puts } = await rebuild({
    pipeline,
    lake,
    tables,
    generation,
    bucket: values.bucket,
    prefix: values.prefix ?? `data/${lake.name}/`,
    dynamodb,
    s3,
    now: Date.now,
  });
  process.stdout.write(`${rows} rows of ${lake.name}; ${puts} rows put into ${[...tables.keys()].join(", ")}\n`);
  return 0;
}

process.exit(await main());
