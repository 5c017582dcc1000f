import { existsSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readFrames, writeFrame, type EnvironmentHead, type FunctionFailure, type InvokeHead } from "./frames.ts";

/** The process of one Lambda execution environment: loads the handler, then runs it on each event it is sent. */

type HandlerFunction = (
  event: unknown,
  context: unknown,
  callback: (error: unknown, answer?: unknown) => void,
) => unknown;

const functionArn = process.argv[2] ?? "";

const channel = new Socket({ fd: 3, readable: true, writable: true });
// The host is gone: nobody waits for an answer.
channel.on("close", () => process.exit(0));
channel.on("error", () => process.exit(0));

const tell = (head: EnvironmentHead, body: unknown) =>
  writeFrame(channel, head, Buffer.from(JSON.stringify(body) ?? "null"));

try {
  const handler = await loadHandler();
  readFrames<InvokeHead>(channel, ({ head, body }) => void invoke(handler, head, body));
  tell({ kind: "ready" }, null);
} catch (error) {
  tell({ kind: "initFailed" }, failureOf(error));
}

async function loadHandler(): Promise<HandlerFunction> {
  const root = process.env["LAMBDA_TASK_ROOT"] ?? process.cwd();
  const declared = process.env["_HANDLER"] ?? "";
  const dot = declared.lastIndexOf(".");
  const path = join(root, declared.slice(0, dot));
  const name = declared.slice(dot + 1);
  const file = [".mjs", ".js", ".cjs"].map((extension) => path + extension).find((candidate) => existsSync(candidate));
  if (file === undefined) {
    throw named("Runtime.ImportModuleError", `Error: Cannot find module '${declared.slice(0, dot)}'`);
  }
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown> & { readonly default?: unknown };
  const fromDefault = typeof module.default === "object" && module.default !== null ? module.default : {};
  const handler = module[name] ?? (fromDefault as Record<string, unknown>)[name];
  if (typeof handler !== "function") {
    throw named("Runtime.HandlerNotFound", `${declared} is undefined or not exported`);
  }
  return handler as HandlerFunction;
}

async function invoke(handler: HandlerFunction, { requestId, deadline }: InvokeHead, body: Buffer): Promise<void> {
  try {
    const event = JSON.parse(body.toString("utf8")) as unknown;
    const answer = await run(handler, event, contextOf(requestId, deadline));
    tell({ kind: "answer", requestId }, answer ?? null);
  } catch (error) {
    tell({ kind: "failed", requestId }, failureOf(error));
  }
}

function run(handler: HandlerFunction, event: unknown, context: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const returned = handler(event, context, (error, answer) => {
      if (error === null || error === undefined) resolve(answer);
      else reject(error instanceof Error ? error : new Error(JSON.stringify(error)));
    });
    if (returned instanceof Promise || isThenable(returned)) resolve(returned);
    else if (handler.length < 3) resolve(null);
  });
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

function contextOf(awsRequestId: string, deadline: number): Record<string, unknown> {
  const environment = process.env;
  return {
    awsRequestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: environment["AWS_LAMBDA_FUNCTION_NAME"],
    functionVersion: environment["AWS_LAMBDA_FUNCTION_VERSION"],
    invokedFunctionArn: functionArn,
    memoryLimitInMB: environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
    logGroupName: environment["AWS_LAMBDA_LOG_GROUP_NAME"],
    logStreamName: environment["AWS_LAMBDA_LOG_STREAM_NAME"],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

function failureOf(error: unknown): FunctionFailure {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error) };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? "").split("\n").slice(0, 20) };
}

function named(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
