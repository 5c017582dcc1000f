import { randomUUID } from "node:crypto";
import { createWriteStream, type WriteStream } from "node:fs";
import type { Faults } from "../faults.ts";
import { takeEmbedded } from "../metrics/embedded.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Notice, Usage } from "../types.ts";
import { ExecutionEnvironment, type InvocationResult } from "./execution-environment.ts";
import type { FunctionSettings } from "./function-settings.ts";
import type { FunctionFailure } from "./frames.ts";

/** What came of an invocation, as its caller sees it. */
export type FunctionOutcome =
  { readonly ok: true; readonly answer: unknown } | { readonly ok: false; readonly failure: FunctionFailure };

/** Lambda's limit for the event of a synchronous invocation. */
export const payloadLimitBytes = 6 * 1024 * 1024;

export interface HostContext {
  readonly entry: string;
  readonly taskRoot: string;
  readonly logFile: string;
  readonly metrics: Metrics;
  readonly faults: Faults;
  readonly onNotice: (notice: Notice) => void;
}

/** A function with its execution environments: as many as there are invocations at a time. */
export class FunctionHost {
  settings: FunctionSettings;
  private context: HostContext;
  private readonly log: WriteStream;
  /** The most recently used last. */
  private readonly idle: ExecutionEnvironment[] = [];
  private readonly all = new Set<ExecutionEnvironment>();
  /** Those that run what is deployed now. */
  private current = new WeakSet<ExecutionEnvironment>();
  private readonly queue: (() => void)[] = [];
  private running = 0;
  private stopped = false;
  private meanMillis = 50;
  private readonly counts = {
    invocations: 0,
    errors: 0,
    restarts: 0,
    durationMillis: 0,
    gigabyteSeconds: 0,
    payloadBytes: 0,
  };

  constructor(settings: FunctionSettings, context: HostContext) {
    this.settings = settings;
    this.context = context;
    this.log = createWriteStream(context.logFile, { flags: "a" });
  }

  /** Invokes with an event's JSON text. Rejects only when the host is stopped meanwhile. */
  async invoke(event: Buffer): Promise<FunctionOutcome> {
    if (event.length > payloadLimitBytes) {
      return failed(
        "RequestEntityTooLargeException",
        `Request must be smaller than ${payloadLimitBytes} bytes, this is ${event.length}`,
      );
    }
    await this.turn();
    try {
      const environment = this.takeEnvironment();
      const killing = this.planKill(environment);
      const result = await environment.invoke(randomUUID(), event, killing.start);
      killing.done();
      this.account(result, event.length);
      if (this.stopped || !this.current.has(environment)) environment.kill();
      else if (environment.alive) this.idle.push(environment);
      return this.outcomeOf(result, environment);
    } finally {
      this.running -= 1;
      this.queue.shift()?.();
    }
  }

  /** Runs other code from now on; an invocation that is under way ends with the old one. */
  update(settings: FunctionSettings, taskRoot: string): void {
    this.settings = settings;
    this.context = { ...this.context, taskRoot };
    this.current = new WeakSet();
    for (const environment of this.idle.splice(0)) environment.kill();
  }

  usage(): Usage["lambda"] {
    return { ...this.counts };
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const environment of this.all) environment.kill();
    await Promise.all([...this.all].map((environment) => environment.ended));
    await new Promise<void>((resolve) => this.log.end(resolve));
  }

  private async turn(): Promise<void> {
    const limit = this.settings.reservedConcurrency ?? Infinity;
    // Lambda refuses such an invocation, and the mapping tries again; here it waits.
    this.measure("Throttles", this.running >= limit ? 1 : 0);
    if (this.running >= limit) await new Promise<void>((resolve) => this.queue.push(resolve));
    this.running += 1;
  }

  private takeEnvironment(): ExecutionEnvironment {
    for (let environment = this.idle.pop(); environment !== undefined; environment = this.idle.pop()) {
      if (environment.alive) return environment;
    }
    const environment = new ExecutionEnvironment({
      entry: this.context.entry,
      taskRoot: this.context.taskRoot,
      functionArn: this.settings.arn,
      variables: this.settings.variables,
      memoryMegabytes: this.settings.memoryMegabytes,
      timeoutMillis: this.settings.timeoutMillis,
      onLine: (line) => {
        this.log.write(`${line}\n`);
        takeEmbedded(line, this.context.metrics);
      },
    });
    this.all.add(environment);
    this.current.add(environment);
    void environment.ended.then(() => {
      this.all.delete(environment);
      if (!this.stopped) this.counts.restarts += 1;
    });
    return environment;
  }

  /** Draws whether this invocation's worker is killed, and at which moment of an invocation's usual length. */
  private planKill(environment: ExecutionEnvironment): { readonly start: () => void; readonly done: () => void } {
    const { faults } = this.context;
    if (!faults.strikes("killWorker")) return { start: () => undefined, done: () => undefined };
    let timer: NodeJS.Timeout | undefined;
    return {
      start: () => {
        timer = setTimeout(
          () => {
            timer = undefined;
            faults.injectedOne("killWorker");
            environment.kill();
          },
          faults.fraction("killWorker") * this.meanMillis,
        );
      },
      done: () => clearTimeout(timer),
    };
  }

  private account(result: InvocationResult, payloadBytes: number): void {
    const { counts, settings } = this;
    const billedMillis = Math.ceil(result.millis);
    counts.invocations += 1;
    if (!result.ok) counts.errors += 1;
    this.measure("Invocations", 1);
    this.measure("Errors", result.ok ? 0 : 1);
    counts.durationMillis += result.millis;
    counts.gigabyteSeconds += (billedMillis / 1000) * (settings.memoryMegabytes / 1024);
    counts.payloadBytes += payloadBytes;
    if (result.ok) this.meanMillis += (result.millis - this.meanMillis) * 0.2;
  }

  /** What Lambda itself counts of a function. */
  private measure(name: string, value: number): void {
    this.context.metrics.add("AWS/Lambda", name, { FunctionName: this.settings.name }, value);
  }

  private outcomeOf(result: InvocationResult, environment: ExecutionEnvironment): FunctionOutcome {
    if (result.ok) return { ok: true, answer: JSON.parse(result.answer) as unknown };
    if (!this.stopped && !environment.alive) {
      const { errorType, errorMessage } = result.failure;
      this.context.onNotice({
        level: "warning",
        text: `${this.settings.name}: environment ended (${errorType}: ${errorMessage})`,
      });
    }
    return { ok: false, failure: result.failure };
  }
}

function failed(errorType: string, errorMessage: string): FunctionOutcome {
  return { ok: false, failure: { errorType, errorMessage } };
}
