import { infrastructureError, messageOf, MillraceError } from "../../lib/errors.ts";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import { InterruptedDelivery, type SinkWriter } from "../../lib/runtime/sink-writer.ts";
import type { SourcePartitions } from "../../lib/runtime/source-partitions.ts";
import { StageRuntime } from "../../lib/runtime/stage-runtime.ts";
import type { WriterLimits } from "../../lib/runtime/commit-writer.ts";
import { parseControlMessage } from "../../lib/runtime/tick.ts";
import type { Changelog } from "../../lib/state/changelog.ts";
import type { ObjectStore } from "../../lib/state/object-store.ts";
import type { IdsStage } from "./ids-pipeline.ts";
import type { Request } from "./world.ts";

/** What a process is asked to do: a batch of a partition, or a message. */
export type Work =
  | { readonly kind: "batch"; readonly partition: string; readonly records: readonly IncomingRecord[] }
  | { readonly kind: "message"; readonly body: string };

/** Everything that ever enters a process. It is a function of these, in their order. */
export type Input =
  | { readonly kind: "invoke"; readonly work: Work }
  | (Reply & { readonly kind: "answer"; readonly value: unknown })
  /** The request failed, or its answer was lost; `delivered` of its items were taken, where a sink says so. */
  | (Reply & { readonly kind: "fail"; readonly delivered?: number });

interface Reply {
  /** The request's number in this process. */
  readonly request: number;
  /** What the process's clock shows from now on: epoch milliseconds. */
  readonly now?: number;
}

/** An invocation that has ended: well, or with an error. */
export interface Settled {
  readonly invocation: number;
  readonly error: { readonly kind: string; readonly message: string } | undefined;
}

/** What a process does upon an input, until it waits again. */
export interface Reaction {
  readonly requests: readonly Request[];
  readonly settled: readonly Settled[];
  readonly died: boolean;
}

export interface ProcessSettings {
  readonly stage: IdsStage;
  readonly suspectAfter: number;
  readonly limits?: WriterLimits;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A process that runs the library's own {@link StageRuntime}. Each of its requests waits until an input answers it;
 * its clock stands still but when an input moves it, and its nonces are counted. So it has no other source of chance.
 */
export class LiveProcess {
  static #current: LiveProcess | undefined;

  readonly #runtime: StageRuntime;
  readonly #waiting: (Waiting | undefined)[] = [];
  #requests: Request[] = [];
  #settled: Settled[] = [];
  #died = false;
  #invocations = 0;
  #nonces = 0;
  #now = 0;

  /** @param uid part of its nonces */
  constructor(uid: number, { stage, suspectAfter, limits }: ProcessSettings) {
    const writers = stage.sinks.map((name) => [name, this.#service<SinkWriter>("sink", name)] as const);
    this.#runtime = new StageRuntime({
      stage,
      build: "build",
      changelog: this.#service<Changelog>("changelog"),
      objects: this.#service<ObjectStore>("objects"),
      partitions: this.#service<SourcePartitions>("partitions"),
      writers: new Map(writers),
      observer: { turn: () => undefined, notice: () => undefined },
      now: () => this.#now,
      newNonce: () => `n${String(uid).padStart(2, "0")}x${String(this.#nonces++).padStart(2, "0")}`,
      suspectAfter,
      ...(limits && { limits }),
    });
  }

  /** Ends the process that runs now. What it does from here on, nobody hears. */
  static dieNow(): void {
    if (LiveProcess.#current !== undefined) LiveProcess.#current.#died = true;
  }

  async take(input: Input): Promise<Reaction> {
    LiveProcess.#current = this;
    this.#requests = [];
    this.#settled = [];
    this.#enter(input);
    // Nothing here waits for anything but promises, and all of these run before the next macrotask.
    await new Promise((resolve) => setImmediate(resolve));
    LiveProcess.#current = undefined;
    return { requests: this.#requests, settled: this.#settled, died: this.#died };
  }

  #enter(input: Input): void {
    if (input.kind !== "invoke" && input.now !== undefined) this.#now = input.now;
    switch (input.kind) {
      case "invoke":
        this.#invoke(input.work);
        return;
      case "answer":
        this.#take(input.request).resolve(input.value);
        return;
      case "fail": {
        const lost = infrastructureError({ code: "test/lost", message: "No answer came." });
        const { delivered } = input;
        this.#take(input.request).reject(delivered === undefined ? lost : new InterruptedDelivery(delivered, lost));
      }
    }
  }

  #take(request: number): Waiting {
    const waiting = this.#waiting[request];
    if (waiting === undefined) throw new Error(`Request ${request} waits for no answer`);
    this.#waiting[request] = undefined;
    return waiting;
  }

  #invoke(work: Work): void {
    const invocation = this.#invocations++;
    const settle = (error: Settled["error"]) => {
      if (!this.#died) this.#settled.push({ invocation, error });
    };
    this.#run(work).then(
      () => settle(undefined),
      (thrown: unknown) => settle({ kind: kindOf(thrown), message: messageOf(thrown) }),
    );
  }

  async #run(work: Work): Promise<unknown> {
    if (work.kind === "batch") return this.#runtime.records(work.partition, work.records);
    const message = parseControlMessage(work.body);
    if (message === undefined) throw new Error(`No control message: ${work.body}`);
    return this.#runtime.control(message);
  }

  /** An implementation of a service's interface whose every method asks and waits. */
  #service<S extends object>(service: Request["service"], subject = ""): S {
    const ask = (operation: string, args: readonly unknown[]): Promise<unknown> => {
      if (this.#died) return new Promise(() => undefined);
      this.#requests.push({ service, operation, subject, args });
      return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    };
    return new Proxy({} as S, {
      get: (_, operation) =>
        typeof operation === "string" && !ABSENT.has(operation)
          ? (...args: unknown[]) => ask(operation, args)
          : undefined,
    });
  }
}

/** A service is no promise; and the source here is one of those that lose nothing unseen, and are not asked. */
const ABSENT: ReadonlySet<string> = new Set(["then", "lostAfter"]);

/** An error that is none of the library's comes out of a mistake in it: no service raises one here. */
const kindOf = (thrown: unknown): string => (thrown instanceof MillraceError ? thrown.kind : "unknown");
