import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as millrace from "millrace";
import { guideSteps } from "../package/guide.ts";
import { docstringExamples, documentBlocks, ROOT, type CodeBlock } from "./code-blocks.ts";

const documents = documentBlocks();
const examples = docstringExamples();

/** What examples may use without saying where it comes from. */
const PRELUDE = `
import assert from "node:assert/strict";
import { ${Object.keys(millrace).join(", ")} } from "millrace";
import { z } from "zod";
import { ingestHandler, lambdaHandler } from "millrace/lambda"; // not when run
import { MillracePipeline } from "millrace/cdk"; // not when run
import { createProducer } from "millrace/producer"; // not when run
import { copyPositions } from "millrace/replication"; // not when run
import { DynamoDBClient } from "@aws-sdk/client-dynamodb"; // not when run
import { KinesisClient } from "@aws-sdk/client-kinesis"; // not when run
declare const streamName: string; // not when run
import { Stack } from "aws-cdk-lib"; // not when run
declare const stack: Stack; // not when run
import { taskName } from "./lib/state/task-id.ts";
import { viewSql } from "./lib/connectors/firehose/view.ts";
import { testDriver } from "millrace/testing";
import flightDelays, { departures, hourlyDelays } from "./functions/aggregate-flight-delays/pipeline.ts";
import type { Departure } from "./functions/aggregate-flight-delays/schemas.ts";
const task = { pipeline: "flight-delays", generation: 0, stage: "departures", source: "departures", incarnation: 0, partition: "shardId-000000000000" };
`;

/** Lines such as `f(x) === y;` are claims: they are checked. */
const asProgram = ({ code }: CodeBlock): string => {
  const claims = code.replaceAll(/^(?!const|let|import|export| )(.* === .*);.*$/gm, "assert.equal($1, true);");
  const declared = [...code.matchAll(/^(?:export )?const (\w+)/gm)].map(([, name]) => name!);
  const prelude = PRELUDE.replaceAll(/\{ ([\w, ]+) \} from/g, (_, names: string) => {
    const free = names.split(", ").filter((name) => !declared.includes(name));
    return `{ ${free.join(", ")} } from`;
  });
  return `${prelude}\n${claims}\nexport {};\n`;
};

/** TypeScript's errors in a text that lies in the project's root as far as imports are concerned. */
function errorsOf(programs: readonly string[], modules: Readonly<Record<string, string>>): string[] {
  const { config } = ts.readConfigFile(path.join(ROOT, "tsconfig.json"), (file) => ts.sys.readFile(file)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const texts = new Map([
    ...programs.map((text, i) => [path.join(ROOT, `document-block-${i}.ts`), text] as const),
    ...Object.entries(modules).map(([name, text]) => [path.join(ROOT, "docs", name), text] as const),
  ]);
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (file) => texts.has(file) || fileExists(file);
  host.readFile = (file) => texts.get(file) ?? readFile(file);
  host.getSourceFile = (file, version, ...rest) =>
    texts.has(file) ? ts.createSourceFile(file, texts.get(file)!, version) : getSourceFile(file, version, ...rest);
  const program = ts.createProgram([...texts.keys()], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .filter(({ file }) => file !== undefined && texts.has(file.fileName))
    .map(({ file, start, messageText }) => {
      const line = ts.getLineAndCharacterOfPosition(file!, start!).line + 1;
      return `${path.basename(file!.fileName)}:${line} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
}

/** Programs as modules of a directory, in their order: what they share is bundled once. @returns their files */
async function bundled(programs: readonly string[], directory: string): Promise<readonly string[]> {
  await build({
    entryPoints: programs.map((_, i) => ({ in: `block:${i}`, out: String(i) })),
    plugins: [
      {
        name: "blocks",
        setup(builder) {
          builder.onResolve({ filter: /^block:/ }, ({ path: name }) => ({ path: name.slice(6), namespace: "block" }));
          builder.onLoad({ filter: /.*/, namespace: "block" }, ({ path: i }) => ({
            ...{ contents: programs[Number(i)]!, loader: "ts", resolveDir: ROOT },
          }));
        },
      },
    ],
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    outdir: directory,
    outExtension: { ".js": ".mjs" },
    logLevel: "silent",
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire("file:///");',
    },
    tsconfig: path.join(ROOT, "tsconfig.json"),
  });
  return programs.map((_, i) => path.join(directory, `${i}.mjs`));
}

test("there are blocks and examples to check", () => {
  expect(documents.length).toBeGreaterThan(2);
  expect(examples.length).toBeGreaterThan(5);
});

test("every block of the documents and every example compiles", () => {
  const blocks = [...documents.map(({ code }) => `${code}\nexport {};\n`), ...examples.map(asProgram)];
  // The guide's modules, which import each other; test/package runs them.
  const modules = guideSteps(path.join(ROOT, "docs/getting-started.md")).flatMap((step) =>
    step.kind === "file" && step.name.endsWith(".ts") ? [[step.name, step.text] as const] : [],
  );
  expect(modules.length).toBeGreaterThan(3);
  const errors = errorsOf(blocks, Object.fromEntries(modules));
  const places = [...documents, ...examples].map(({ at }, i) => `document-block-${i} is ${at}`);
  expect(errors, places.join("\n")).toEqual([]);
});

describe("what can run without a cloud runs", () => {
  // Handlers want a function's environment; constructs are run by test/infra.
  const needsMore = ({ code }: CodeBlock) =>
    /lambdaHandler\(|ingestHandler\(|aws-cdk-lib|MillracePipeline|startLocalStack|createProducer\(|copyPositions\(/.test(
      code,
    );
  const blocks = documents.filter((one) => !needsMore(one));
  const runnable = examples.filter((one) => !needsMore(one));
  let directory: string;
  let files: readonly string[];
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "millrace-blocks-"));
    const programs = runnable.map((one) => asProgram(one).replaceAll(/^.*\/\/ not when run$/gm, ""));
    files = await bundled([...blocks.map(({ code }) => code), ...programs], directory);
  });
  afterAll(() => rm(directory, { recursive: true }));
  for (const [i, { at }] of [...blocks, ...runnable].entries()) {
    test(at, async () => {
      expect(await import(/* @vite-ignore */ pathToFileURL(files[i]!).href)).toBeDefined();
    });
  }
});
