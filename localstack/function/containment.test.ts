import { KinesisClient, PutRecordCommand } from "@aws-sdk/client-kinesis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { functionResource, settled, temporaryStack, type TemporaryStack } from "../testing/temporary-stack.ts";

/** Each body does its worst the first time, and lives on when the record comes again in a fresh environment. */
const handler = (worst: string) => ({
  "index.mjs": `
    import { existsSync, writeFileSync } from "node:fs";
    export const handler = async (event, context) => {
      if (!existsSync("./tried")) { writeFileSync("./tried", ""); ${worst} }
      console.log(JSON.stringify({ _aws: { CloudWatchMetrics: [{ Namespace: "Test", Dimensions: [["fn"]], Metrics: [{ Name: "lived" }] }] },
        fn: context.functionName, lived: event.Records.length }));
    };`,
});

const functions = {
  map: handler("const m = new Map(); for (let i = 0; ; i++) m.set(i, { i, s: String(i) });"),
  buffers: handler(
    "const all = []; for (;;) { all.push(Buffer.alloc(16_000_000, 1)); await new Promise((r) => setTimeout(r, 1)); }",
  ),
  loop: handler("for (;;);"),
  exit: handler("process.exit(0);"),
  rejection: handler('Promise.reject(new Error("left alone")); await new Promise(() => {});'),
  never: handler("await new Promise(() => {});"),
  good: handler(""),
};

const names = Object.keys(functions) as (keyof typeof functions)[];

describe("Containment", () => {
  let temporary: TemporaryStack;

  beforeAll(async () => {
    const Resources: Record<string, unknown> = {};
    for (const name of names) {
      Resources[name] = functionResource(name, {
        FunctionName: name,
        MemorySize: 128,
        Timeout: name === "loop" || name === "never" ? 1 : 30,
      });
      Resources[`${name}Stream`] = {
        Type: "AWS::Kinesis::Stream",
        Properties: { Name: `${name}-records`, ShardCount: 1 },
      };
      Resources[`${name}Mapping`] = {
        Type: "AWS::Lambda::EventSourceMapping",
        Properties: {
          EventSourceArn: { "Fn::GetAtt": [`${name}Stream`, "Arn"] },
          FunctionName: { Ref: name },
          StartingPosition: "TRIM_HORIZON",
        },
      };
    }
    temporary = await temporaryStack({ Resources }, functions);
    const kinesis = new KinesisClient({
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
      endpoint: temporary.stack.endpoints.kinesis,
    });
    for (const name of names) {
      await kinesis.send(
        new PutRecordCommand({ StreamName: `${name}-records`, PartitionKey: "k", Data: Buffer.from("x") }),
      );
    }
    await settled(temporary.stack, 50_000);
  }, 60_000);

  afterAll(() => temporary.remove());

  const ended = (name: string) => temporary.notices.filter(({ text }) => text.startsWith(`${name}: environment ended`));

  for (const [name, reason] of [
    ["map", "Runtime.OutOfMemory"],
    ["buffers", "Runtime.OutOfMemory"],
    ["loop", "Sandbox.Timedout"],
    ["never", "Sandbox.Timedout"],
    ["exit", "Runtime.ExitError"],
    ["rejection", "Runtime.ExitError"],
  ] as const) {
    it(`${name}: the environment ends with ${reason}, and the record comes again to a fresh one`, () => {
      expect(ended(name).map(({ text }) => text)).toEqual([expect.stringContaining(reason)]);
      const lived = temporary.stack.metrics().find(({ dimensions }) => dimensions["fn"] === name);
      expect(lived).toMatchObject({ namespace: "Test", name: "lived", sum: 1 });
    });
  }

  it("the functions beside them are not disturbed", () => {
    expect(ended("good")).toEqual([]);
    expect(temporary.stack.usage().lambda).toMatchObject({ errors: 6, restarts: 6, invocations: 13 });
  });

  it("durations are billed by the memory that the template sets", () => {
    const { durationMillis, gigabyteSeconds } = temporary.stack.usage().lambda;
    expect(gigabyteSeconds).toBeGreaterThanOrEqual((durationMillis / 1000) * 0.125);
    expect(gigabyteSeconds).toBeLessThan(((durationMillis + 13) / 1000) * 0.125 + 0.001);
  });
});
