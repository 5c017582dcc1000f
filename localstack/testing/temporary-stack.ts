import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startLocalStack } from "../start-local-stack.ts";
import type { LocalStack, LocalStackOptions, Notice } from "../types.ts";

/** A stack for a test: template and functions are literals, files are temporary. */
export interface TemporaryStack {
  readonly stack: LocalStack;
  readonly directory: string;
  readonly notices: readonly Notice[];
  /** Stops the stack and removes its files. */
  remove(): Promise<void>;
}

export interface StackLiteral {
  readonly Resources: Readonly<Record<string, unknown>>;
  readonly [section: string]: unknown;
}

/** Function code by asset name; `functionResource` refers to it. */
export type FunctionFiles = Readonly<Record<string, Readonly<Record<string, string>>>>;

export async function temporaryStack(
  template: StackLiteral,
  functions: FunctionFiles = {},
  options: Partial<LocalStackOptions> = {},
): Promise<TemporaryStack> {
  const directory = mkdtempSync(join(tmpdir(), "local-stack-"));
  const path = writeTemplate(directory, template, functions);
  const notices: Notice[] = [];
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const stack = await startLocalStack({
      templates: [path],
      dataDirectory: join(directory, "data"),
      onNotice: (notice) => notices.push(notice),
      ...options,
    });
    return {
      stack,
      directory,
      notices,
      remove: async () => {
        await stack.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Lays a template and its assets out as `cdk synth` does. Gives the template's path. */
export function writeTemplate(directory: string, template: StackLiteral, functions: FunctionFiles = {}): string {
  const output = join(directory, "cdk.out");
  const files: Record<string, unknown> = {};
  for (const [name, contents] of Object.entries(functions)) {
    for (const [file, text] of Object.entries(contents)) {
      const target = join(output, `asset.${name}`, file);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
    }
    files[name] = {
      source: { path: `asset.${name}`, packaging: "zip" },
      destinations: { here: { objectKey: `${name}.zip` } },
    };
  }
  mkdirSync(output, { recursive: true });
  writeFileSync(join(output, "Test.assets.json"), JSON.stringify({ version: "1", files }));
  const path = join(output, "Test.template.json");
  writeFileSync(path, JSON.stringify(template));
  return path;
}

export function functionResource(asset: string, properties: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    Type: "AWS::Lambda::Function",
    Properties: {
      Handler: "index.handler",
      Runtime: "nodejs22.x",
      MemorySize: 256,
      Timeout: 30,
      Code: { S3Bucket: { "Fn::Sub": "assets-${AWS::AccountId}" }, S3Key: `${asset}.zip` },
      ...properties,
    },
  };
}

/** Lets a rule send to queues. */
export const letsRuleSend = (rule: string, ...queues: readonly string[]): unknown => ({
  Type: "AWS::SQS::QueuePolicy",
  Properties: {
    Queues: queues.map((queue) => ({ Ref: queue })),
    PolicyDocument: {
      Statement: queues.map((queue) => ({
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: { "Fn::GetAtt": [queue, "Arn"] },
        Condition: { ArnEquals: { "aws:SourceArn": { "Fn::GetAtt": [rule, "Arn"] } } },
      })),
    },
  },
});

/** Waits for what has no event to wait for, such as a line that another process writes. */
export async function eventually<Value>(
  look: () => Promise<Value | undefined> | Value | undefined,
  millis = 20_000,
): Promise<Value> {
  const deadline = Date.now() + millis;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`not within ${millis} ms: ${look.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Resolves when the mappings have nothing left to do. */
export async function settled(stack: LocalStack, millis?: number): Promise<void> {
  await eventually(async () => {
    const counts = Object.values(await stack.lag());
    return counts.every((count) => count === 0) || undefined;
  }, millis);
}
