import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { readFrames, writeFrame, type EnvironmentHead, type FunctionFailure } from "./frames.ts";
import { watchMemory } from "./memory-watch.ts";

/** What an execution environment is started with. */
export interface EnvironmentOptions {
  readonly entry: string;
  readonly taskRoot: string;
  readonly functionArn: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly memoryMegabytes: number;
  readonly timeoutMillis: number;
  /** Each line that the function prints, on either stream. */
  readonly onLine: (line: string) => void;
}

export type InvocationResult =
  | { readonly ok: true; readonly answer: string; readonly millis: number }
  | { readonly ok: false; readonly failure: FunctionFailure; readonly millis: number; readonly answered: boolean };

interface Waiting {
  readonly requestId: string;
  readonly started: number;
  readonly finish: (result: InvocationResult) => void;
}

/** Longer than Lambda's ten seconds, because a busy machine loads bundles slowly. */
const initMillis = 60_000;

/** Lambda gives the heap about nine tenths of the function's memory. */
const heapShare = 0.9;

/**
 * One child process, one invocation at a time. Over its memory or its time it is killed, and so is everything it
 * had in memory: the next invocation needs a new one.
 */
export class ExecutionEnvironment {
  private readonly options: EnvironmentOptions;
  private readonly child: ChildProcess;
  private readonly channel: Duplex;
  private readonly ready: Promise<FunctionFailure | undefined>;
  private readonly stopWatching: () => void;
  private waiting: Waiting | undefined;
  private overMemory = false;
  private heapExhausted = false;
  readonly ended: Promise<void>;
  alive = true;

  constructor(options: EnvironmentOptions) {
    this.options = options;
    const { memoryMegabytes } = options;
    this.child = spawn(
      process.execPath,
      [`--max-old-space-size=${Math.floor(memoryMegabytes * heapShare)}`, options.entry, options.functionArn],
      { cwd: options.taskRoot, env: { ...options.variables }, stdio: ["ignore", "pipe", "pipe", "pipe"] },
    );
    this.channel = this.child.stdio[3] as Duplex;
    this.channel.on("error", () => undefined);
    this.readLines();
    this.stopWatching = watchMemory(this.child.pid, memoryMegabytes, () => {
      this.overMemory = true;
      this.kill();
    });
    this.ended = new Promise((resolve) => {
      this.child.once("error", () => resolve());
      this.child.once("close", () => resolve());
    });
    this.child.once("exit", (code, signal) => this.gone(signal ?? `exit status ${code}`));
    this.child.once("error", (error) => this.gone(error.message));
    this.ready = this.listenToChannel();
  }

  /** Runs the handler on an event's JSON text. Never rejects. `onStart` is told when the handler really starts. */
  async invoke(requestId: string, event: Buffer, onStart?: () => void): Promise<InvocationResult> {
    const initFailure = await this.ready;
    const started = performance.now();
    if (initFailure !== undefined) {
      this.kill();
      return { ok: false, failure: initFailure, millis: 0, answered: false };
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const seconds = (this.options.timeoutMillis / 1000).toFixed(2);
        this.kill();
        finish({
          ok: false,
          failure: {
            errorType: "Sandbox.Timedout",
            errorMessage: `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`,
          },
          millis: performance.now() - started,
          answered: false,
        });
      }, this.options.timeoutMillis);
      const finish = (result: InvocationResult) => {
        clearTimeout(timer);
        this.waiting = undefined;
        resolve(result);
      };
      this.waiting = { requestId, started, finish };
      if (!this.alive) {
        this.gone("it was gone");
        return;
      }
      writeFrame(this.channel, { requestId, deadline: Date.now() + this.options.timeoutMillis }, event);
      onStart?.();
    });
  }

  kill(): void {
    this.alive = false;
    this.child.kill("SIGKILL");
  }

  private readLines(): void {
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream, crlfDelay: Infinity }).on("line", (line) => {
        if (line.includes("JavaScript heap out of memory")) this.heapExhausted = true;
        this.options.onLine(line);
      });
    }
  }

  private listenToChannel(): Promise<FunctionFailure | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve({
          errorType: "Sandbox.Timedout",
          errorMessage: `The function did not load within ${initMillis / 1000} seconds`,
        });
      }, initMillis);
      const settle = (failure: FunctionFailure | undefined) => {
        clearTimeout(timer);
        resolve(failure);
      };
      void this.ended.then(() => settle(this.exitFailure("init", "it ended while loading")));
      readFrames<EnvironmentHead>(this.channel, ({ head, body }) => {
        if (head.kind === "ready") settle(undefined);
        else if (head.kind === "initFailed") settle(JSON.parse(body.toString("utf8")) as FunctionFailure);
        else this.answered(head, body);
      });
    });
  }

  private answered(head: EnvironmentHead & { readonly requestId: string }, body: Buffer): void {
    const { waiting } = this;
    if (waiting === undefined || waiting.requestId !== head.requestId) return;
    const millis = performance.now() - waiting.started;
    const text = body.toString("utf8");
    if (head.kind === "answer") waiting.finish({ ok: true, answer: text, millis });
    else waiting.finish({ ok: false, failure: JSON.parse(text) as FunctionFailure, millis, answered: true });
  }

  private gone(how: string): void {
    this.alive = false;
    this.stopWatching();
    const { waiting } = this;
    if (waiting === undefined) return;
    // The heap's last words may still be in the pipe: wait until it is read to its end.
    void this.ended.then(() => {
      const millis = performance.now() - waiting.started;
      waiting.finish({ ok: false, failure: this.exitFailure(waiting.requestId, how), millis, answered: false });
    });
  }

  private exitFailure(requestId: string, how: string): FunctionFailure {
    const outOfMemory = this.overMemory || this.heapExhausted;
    const errorType = outOfMemory ? "Runtime.OutOfMemory" : "Runtime.ExitError";
    return { errorType, errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: ${how}` };
  }
}
