import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Faults } from "../faults.ts";
import { Metrics } from "../metrics/metrics.ts";
import { deployFunctions, type Functions } from "../functions.ts";
import { resolveTemplates } from "../template/resolve-template.ts";
import { readTemplateFile } from "../template/template-file.ts";
import { functionResource, writeTemplate } from "../testing/temporary-stack.ts";

const echo =
  "export const handler = async (event, context) => ({ event, context, pid: process.pid, env: process.env, left: context.getRemainingTimeInMillis() });";

const assets = {
  echo: { "index.mjs": echo },
  cjs: {
    "index.js": "exports.handler = (event, context, callback) => callback(null, { event, remote: typeof require });",
  },
  nested: { "dist/main.mjs": "export const run = async () => 'nested';" },
  broken: { "index.mjs": "throw new RangeError('at load');" },
  slow: {
    "index.mjs":
      "export const handler = async () => { await new Promise((r) => setTimeout(r, 100)); return process.pid; };",
  },
  sdk: {
    "index.mjs": 'import { S3Client } from "@aws-sdk/client-s3"; export const handler = async () => typeof S3Client;',
  },
};

describe("Lambda function", () => {
  let directory: string;
  let functions: Functions;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "functions-"));
    const path = writeTemplate(
      directory,
      {
        Resources: {
          Echo: functionResource("echo", {
            FunctionName: "echo",
            Environment: { Variables: { QUEUE: "http://user/000000000000/q" } },
          }),
          Cjs: functionResource("cjs", { FunctionName: "cjs" }),
          Nested: functionResource("nested", { FunctionName: "nested", Handler: "dist/main.run" }),
          Broken: functionResource("broken", { FunctionName: "broken" }),
          Missing: functionResource("echo", { FunctionName: "missing", Handler: "index.other" }),
          Slow: functionResource("slow", { FunctionName: "slow" }),
          One: functionResource("slow", { FunctionName: "one", ReservedConcurrentExecutions: 1 }),
          Sdk: functionResource("sdk", { FunctionName: "sdk" }),
        },
      },
      assets,
    );
    const { resources } = resolveTemplates([readTemplateFile(path)], "http://user");
    const origin = "http://127.0.0.1:1";
    functions = await deployFunctions(resources, {
      dataDirectory: join(directory, "data"),
      endpoints: {
        KINESIS: origin,
        DYNAMODB: origin,
        DYNAMODB_STREAMS: origin,
        S3: origin,
        SQS: "http://functions",
        FIREHOSE: origin,
        SNS: origin,
        EVENTBRIDGE: origin,
        SECRETS_MANAGER: origin,
      },
      userQueueOrigin: "http://user",
      faults: new Faults(undefined),
      metrics: new Metrics(),
      onNotice: () => undefined,
    });
  });

  afterAll(async () => {
    await functions.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  afterEach(() => delete process.env["LEAKED"]);

  const invoke = async (name: string, event: unknown = {}) => {
    const outcome = await functions.hosts.get(name)?.invoke(Buffer.from(JSON.stringify(event)));
    if (outcome?.ok === true) return outcome.answer;
    throw Object.assign(new Error(outcome?.failure.errorMessage), { name: outcome?.failure.errorType });
  };

  it("gets the event, Lambda's context, and an environment with nothing of ours", async () => {
    process.env["LEAKED"] = "no";
    const answer = (await invoke("echo", { hello: "wörld" })) as Record<string, Record<string, unknown>>;
    expect(answer["event"]).toEqual({ hello: "wörld" });
    expect(answer["context"]).toMatchObject({
      functionName: "echo",
      invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:echo",
      memoryLimitInMB: "256",
      awsRequestId: expect.stringMatching(/^[-0-9a-f]{36}$/) as string,
    });
    expect(answer["left"]).toBeGreaterThan(25_000);
    expect(answer["env"]).toMatchObject({
      AWS_REGION: "us-east-1",
      AWS_LAMBDA_FUNCTION_NAME: "echo",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
      AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:1",
      QUEUE: "http://functions/000000000000/q",
    });
    expect(answer["env"]).not.toHaveProperty("LEAKED");
    expect(answer["env"]).not.toHaveProperty("NODE_ENV");
    expect(answer["env"]).not.toHaveProperty("VITEST");
  });

  it("runs CommonJS with a callback, a handler in a folder, and the SDK that the runtime brings along", async () => {
    expect(await invoke("cjs", 1)).toEqual({ event: 1, remote: "function" });
    expect(await invoke("nested")).toBe("nested");
    expect(await invoke("sdk")).toBe("function");
  });

  it("fails as Lambda does when it cannot be loaded", async () => {
    await expect(invoke("broken")).rejects.toMatchObject({ name: "RangeError", message: "at load" });
    await expect(invoke("missing")).rejects.toMatchObject({ name: "Runtime.HandlerNotFound" });
  });

  it("runs one invocation an environment, and uses the most recent idle one again", async () => {
    const together = await Promise.all([invoke("slow"), invoke("slow"), invoke("slow")]);
    expect(new Set(together).size).toBe(3);
    const last = await invoke("slow");
    expect(together).toContain(last);
    expect(await invoke("slow")).toBe(last);
  });

  it("waits for its turn above the reserved concurrency", async () => {
    expect(new Set(await Promise.all([invoke("one"), invoke("one"), invoke("one")])).size).toBe(1);
  });

  it("refuses an event above 6 MB", async () => {
    await expect(invoke("echo", "x".repeat(6 * 1024 * 1024))).rejects.toMatchObject({
      name: "RequestEntityTooLargeException",
    });
    const text = "x".repeat(5 * 1024 * 1024);
    expect(((await invoke("echo", text)) as { event: string }).event).toBe(text);
  });

  it("keeps what it prints in a log file", async () => {
    await functions.stop();
    expect(readFileSync(join(directory, "data", "logs", "broken.log"), "utf8")).toBe("");
  });
});
