import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { App, Stack } from "aws-cdk-lib";
import { Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { pipelines } from "../../infra/pipelines.ts";
import { bundledCode, unusedBy } from "../../lib/cdk/bundle.ts";
import { CONNECTOR_MODULES } from "../../lib/connectors/modules.ts";
import { BINDINGS_VARIABLE, type Bindings } from "../../lib/plan/bindings.ts";
import { kafka, kafkaTopic, kinesis, pipeline, timestamp } from "../../lib/index.ts";
import type { Pipeline } from "../../lib/pipeline/topology.ts";
import { planStages, producersOf } from "../../lib/plan/stage.ts";

const PROJECT_ROOT = fileURLToPath(new URL("../..", import.meta.url));

const directory = mkdtempSync(join(tmpdir(), "millrace-bundle-"));
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Bundles handlers as the construct does, and gives each asset's directory. */
function bundled(handlers: readonly string[], root: string, name: string, without?: RegExp): readonly string[] {
  process.env["CDK_VALIDATION"] = "false";
  const app = new App({ outdir: join(directory, name) });
  const stack = new Stack(app, "test");
  handlers.forEach((handler, i) => {
    const code = bundledCode(handler, root, without);
    new LambdaFunction(stack, `Function${i}`, { code, handler: "index.handler", runtime: Runtime.NODEJS_22_X });
  });
  app.synth();
  return readdirSync(join(directory, name))
    .filter((entry) => entry.startsWith("asset."))
    .map((entry) => join(directory, name, entry));
}

/** What a process that has nothing but the bundle and this environment prints. */
function run(bundle: string, script: string, environment: Readonly<Record<string, string>> = {}): string {
  const alone = mkdtempSync(join(directory, "alone-"));
  cpSync(bundle, alone, { recursive: true });
  return execFileSync(process.execPath, ["--enable-source-maps", "--input-type=module", "-e", script], {
    cwd: alone,
    env: environment,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

describe.each(pipelines)("the bundle of $handler", ({ handler, pipeline }) => {
  let bundle = "";
  beforeAll(() => {
    const without = unusedBy(planStages(pipeline));
    const [first] = bundled([handler], PROJECT_ROOT, handler.replaceAll("/", "-"), without);
    bundle = first!;
  });

  const modules = () => readdirSync(bundle).filter((file) => file.endsWith(".mjs"));

  test("is modules and their source maps; what a source or a sink alone needs is in modules of its own", () => {
    expect(readdirSync(bundle).toSorted()).toEqual(
      modules()
        .flatMap((file) => [file, `${file}.map`])
        .toSorted(),
    );
    expect(modules()).toContain("index.mjs");
    const own = (client: string) =>
      modules().filter((file) => readFileSync(join(bundle, `${file}.map`), "utf8").includes(`client-${client}/`));
    expect(own("firehose")).not.toContain("index.mjs");
    expect(own("kinesis")).not.toContain("index.mjs");
    expect(own("dynamodb")).not.toEqual([]);
  });

  test.each(planStages(pipeline))(
    "needs nothing beside it to run stage $name: a process where nothing can be resolved loads it",
    (stage) => {
      const bindings: Bindings = {
        deployment: "test",
        stage: stage.name,
        generation: 0,
        source: {
          connector: "kinesis",
          address: { stream: "s", streamArn: "arn:aws:kinesis:us-east-1:000000000000:stream/s" },
          incarnation: 0,
          suspectAfterMillis: 40_000,
        },
        table: "t",
        bucket: "b",
        deadLetterQueueUrl: "http://localhost/d",
        tickQueueUrl: "http://localhost/t",
        tickQueues: Object.fromEntries(producersOf(stage).map((name) => [name, "http://localhost/p"])),
        shuffles: Object.fromEntries(stage.shuffles.map(({ stage: reader }) => [reader, "i"])),
        sinks: Object.fromEntries(stage.sinks.map(({ name }) => [name, { deliveryStream: "d", table: "v" }])),
        lookupTables: {},
      };
      // It reads what its sources and sinks need before it looks at an event.
      const script = `await (await import("./index.mjs")).handler({}, {}).catch((e) => console.log(e.code, e.cause));`;
      const said = run(bundle, script, {
        AWS_REGION: "us-east-1",
        [BINDINGS_VARIABLE]: JSON.stringify(bindings),
      });
      expect(said).toContain("lambda/event");
    },
  );

  test("names sources by paths of the project, not of this machine, and without their text", () => {
    const map = JSON.parse(readFileSync(join(bundle, "index.mjs.map"), "utf8")) as {
      sources: string[];
      sourcesContent?: unknown;
    };
    expect(map.sources).toContain(`../${handler}`);
    for (const source of map.sources) expect(source).toMatch(/^\.\.\/(lib|functions|node_modules)\//);
    expect(map.sourcesContent).toBeUndefined();
  });

  test("takes less than 1.25 MB: there is no client of Kafka in it", () => {
    const bytes = modules().reduce((sum, file) => sum + statSync(join(bundle, file)).size, 0);
    expect(bytes).toBeLessThan(1_250_000);
    for (const file of modules())
      expect(readFileSync(join(bundle, `${file}.map`), "utf8")).not.toContain("@platformatic/kafka");
  });
});

describe("bundling", () => {
  const root = join(directory, "project");
  beforeAll(() => {
    mkdirSync(root);
    writeFileSync(join(root, "a.ts"), `export const handler = (): string => "a";`);
    writeFileSync(join(root, "b.ts"), `export const handler = (): string => "b";`);
    writeFileSync(join(root, "throws.ts"), `\n\nexport const handler = (): never => { throw new Error("here"); };`);
    writeFileSync(join(root, "required.cjs"), `module.exports = require("node:os").EOL;`);
    writeFileSync(
      join(root, "requires.ts"),
      `import eol from "./required.cjs"; export const handler = () => eol.length;`,
    );
  });

  test("a pipeline of Kafka has its client in its bundle", () => {
    const at = z.object({ at: z.number() });
    const orders = kafka("orders", { schema: at, eventTime: (order) => order.at, disorder: { minutes: 1 } });
    const copies = kafkaTopic("copies", { at: timestamp });
    const clicks = kinesis("clicks", { schema: at, eventTime: (click) => click.at, disorder: { minutes: 1 } });
    const read = pipeline("read", (flow) => void flow.from(orders).metric("sold"));
    const written = pipeline("written", (flow) => flow.from(clicks).to(copies));
    const neither = pipeline("neither", (flow) => void flow.from(clicks).metric("clicked"));
    const leavesOut = (of: Pipeline, module: string) => unusedBy(planStages(of)).test(`/connectors/${module}.ts`);
    const all = (of: Pipeline) =>
      ["kafka/source", "kafka-topic/sink", "kinesis/source", "sns/sink"].filter((module) => !leavesOut(of, module));
    expect([read, written, neither].map(all)).toEqual([
      ["kafka/source"],
      ["kafka-topic/sink", "kinesis/source"],
      ["kinesis/source"],
    ]);
  });

  test("a module that is left out is there when another reads it at once", () => {
    const sink = join(PROJECT_ROOT, "lib/connectors/sns/sink.ts");
    writeFileSync(join(root, "at-once.ts"), `export { topicWriter as handler } from ${JSON.stringify(sink)};`);
    const [bundle] = bundled(["at-once.ts"], root, "at-once", /\/connectors\/(sns|sqs)\/sink\.ts$/);
    expect(run(bundle!, `console.log(typeof (await import("./index.mjs")).handler)`)).toBe("function\n");
  });

  test("every module that a function imports only when it needs it can be left out", () => {
    const connectors = join(PROJECT_ROOT, "lib/connectors");
    const tables = ["source-connectors.ts", "sink-connectors.ts"].map((file) =>
      readFileSync(join(connectors, file), "utf8"),
    );
    const asked = tables.flatMap((text) =>
      [...text.matchAll(/import\("\.\/(.*)\.ts"\)/g)].map(([, module]) => module!),
    );
    const others = ["kinesis/shuffle", "schema-registry/registry"];
    expect(asked.length).toBeGreaterThan(14);
    expect([...asked, ...others].toSorted()).toEqual(CONNECTOR_MODULES.toSorted());
    for (const module of CONNECTOR_MODULES) expect(statSync(join(connectors, `${module}.ts`)).isFile()).toBe(true);
  });

  test("what is left out is there when something else needs it, and nothing else goes with it", () => {
    mkdirSync(join(root, "connectors/kafka"), { recursive: true });
    writeFileSync(join(root, "connectors/kafka/source.ts"), `export { client } from "./client.ts";`);
    writeFileSync(join(root, "connectors/kafka/client.ts"), `export const client = "client";`);
    writeFileSync(join(root, "other.ts"), `export const other = "other";`);
    const asks = `export const handler = async (asked: boolean) =>
      (await import("./other.ts")).other + (asked ? (await import("./connectors/kafka/source.ts")).client : "");`;
    writeFileSync(join(root, "asks.ts"), asks);
    writeFileSync(
      join(root, "reads.ts"),
      `import { client } from "./connectors/kafka/client.ts";\nexport { client };\n${asks}`,
    );
    const without = /\/connectors\/kafka\/source\.ts$|^connectors\/kafka\/source\.ts$/;
    const said = (handler: string, asked: boolean, ...leftOut: RegExp[]) => {
      const [bundle] = bundled([`${handler}.ts`], root, `${handler}-${asked}-${leftOut.length}`, ...leftOut);
      return run(
        bundle!,
        `(await import("./index.mjs")).handler(${asked}).then(console.log, (e) => console.log(e.code))`,
      );
    };
    expect(said("asks", true)).toBe("otherclient\n");
    expect(said("asks", false, without)).toBe("other\n");
    expect(said("asks", true, without)).toBe("ERR_MODULE_NOT_FOUND\n");
    expect(said("reads", false, without)).toBe("other\n");
  });

  test("two handlers of one folder are two bundles", () => {
    expect(bundled(["a.ts", "b.ts"], root, "two")).toHaveLength(2);
  });

  test("the same sources are the same asset, bundled twice", () => {
    const names = ["once", "again"].map((name) => bundled(["a.ts"], root, name).map((path) => path.split("/").at(-1)));
    expect(names[0]).toEqual(names[1]);
  });

  test("what is written in CommonJS may require", () => {
    const [bundle] = bundled(["requires.ts"], root, "requires");
    expect(run(bundle!, `console.log((await import("./index.mjs")).handler())`).trim()).toBe("1");
  });

  test("a stack trace names the source's line", () => {
    const [bundle] = bundled(["throws.ts"], root, "throws");
    const said = run(bundle!, `try { (await import("./index.mjs")).handler() } catch (e) { console.log(e.stack) }`);
    expect(said).toMatch(/throws\.ts:3/);
  });

  test("an error names the handler", () => {
    writeFileSync(join(root, "broken.ts"), `import "nowhere";`);
    expect(() => bundled(["broken.ts"], root, "broken")).toThrow(/broken\.ts cannot be bundled.*nowhere/s);
  });
});
