import type { Pipeline } from "millrace";
import { runnableStage } from "../../lib/connectors/runnable-stage.ts";
import type { UnorderedSource } from "../../lib/pipeline/source.ts";
import { planStages, sourceOf } from "../../lib/plan/stage.ts";
import { DEAD_LETTERS, type DeadLetter } from "../../lib/runtime/dead-letter.ts";
import type { Observer, TurnReport } from "../../lib/runtime/observer.ts";
import type { Delivery, SinkWriter } from "../../lib/runtime/sink-writer.ts";
import { UnorderedRuntime } from "../../lib/runtime/unordered/unordered-runtime.ts";
import { BytesRecord } from "../../lib/connectors/unordered-bytes.ts";
import { MemoryChangelog } from "../../lib/testing/memory-changelog.ts";
import { MemoryObjects } from "../../lib/testing/memory-objects.ts";

/** A stage of a source without order, on sinks in memory. */
export class LooseStage {
  readonly delivered = new Map<string, Delivery[]>();
  readonly reports: TurnReport[] = [];
  readonly objects = new MemoryObjects();
  readonly changelog = new MemoryChangelog();
  #nonces = 0;
  readonly #pipeline: Pipeline;
  readonly #sinks: Readonly<Record<string, SinkWriter["deliver"]>>;
  runtime: UnorderedRuntime;

  /** @param sinks what is to happen before a sink takes deliveries, by its name */
  constructor(pipeline: Pipeline, sinks: Readonly<Record<string, SinkWriter["deliver"]>> = {}) {
    this.#pipeline = pipeline;
    this.#sinks = sinks;
    this.runtime = this.start();
  }

  /** A process that begins anew. */
  start(): UnorderedRuntime {
    const [stage] = planStages(this.#pipeline);
    const names = [...stage!.sinks.map(({ name }) => name), DEAD_LETTERS];
    const observer: Observer = { turn: (report) => this.reports.push(report), notice: () => undefined };
    const idOf = (sourceOf(stage!) as UnorderedSource<never>).idOf;
    this.runtime = new UnorderedRuntime({
      stage: runnableStage(this.#pipeline, stage!, { generation: 0, incarnation: 0 }),
      idOf,
      build: "test",
      objects: this.objects,
      changelog: this.changelog,
      newNonce: () => String(++this.#nonces),
      writers: new Map(names.map((name) => [name, { deliver: (items) => this.#take(name, items) }])),
      observer,
      now: () => 0,
    });
    return this.runtime;
  }

  /** What a sink has, by id. */
  rows(sink: string): Map<string, Record<string, unknown>> {
    return new Map(
      (this.delivered.get(sink) ?? []).map(({ id, body }) => [id, JSON.parse(body) as Record<string, unknown>]),
    );
  }

  letters(): DeadLetter[] {
    return (this.delivered.get(DEAD_LETTERS) ?? []).map(
      ({ id, body }) => ({ id, ...(JSON.parse(body) as object) }) as DeadLetter,
    );
  }

  async #take(sink: string, items: readonly Delivery[]) {
    const taken = this.delivered.get(sink) ?? [];
    this.delivered.set(sink, taken);
    const refusals = (await this.#sinks[sink]?.(items)) ?? [];
    const refused = new Set(refusals.map(({ delivery }) => delivery));
    taken.push(...items.filter((item) => !refused.has(item)));
    return refusals;
  }
}

export const message = (id: string, value: unknown, group?: string): BytesRecord =>
  new BytesRecord(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)), {
    id,
    arrival: 1_000,
    group,
  });
