import { definitionError } from "../errors.ts";
import { toMillis } from "../time/duration.ts";
import { checkField, checkName } from "./names.ts";
import type { SinkDeclaration } from "./sink.ts";
import type { KeySpec, Source } from "./source.ts";
import type { Stream, WindowOptions } from "./stream.ts";
import type { Node, Pipeline, PoisonPolicy } from "./topology.ts";
import type { Aggregate } from "../aggregates/aggregate.ts";
import type { WindowAssigner } from "../windows/window.ts";

/** Where a pipeline's streams begin. */
export interface Flow {
  from<T, K>(source: Source<T, K>): Stream<T, K>;
}

export interface PipelineOptions {
  /** @default half of a task's last thousand records */
  readonly poison?: PoisonPolicy;
}

/**
 * A named graph of sources, operators and sinks.
 *
 * `build` is called once, here; what it builds is checked, and errors name the operator.
 *
 * @throws definition errors: names that are invalid or used twice, streams that end nowhere,
 *   settings that are no durations, a `keyBy`
 */
export function pipeline(name: string, build: (flow: Flow) => void, options: PipelineOptions = {}): Pipeline {
  checkName("A pipeline", name);
  const poison = options.poison ?? { share: 0.5 };
  if (!(poison.share > 0 && poison.share <= 1)) {
    throw definitionError({
      code: "pipeline/poison",
      message: `pipeline("${name}"): the poison share ${String(poison.share)} is not above 0 and at most 1.`,
    });
  }
  const builder = new Builder(name);
  build({ from: (source) => builder.from(source) as never });
  return { kind: "pipeline", name, nodes: builder.finish(), poison };
}

class Builder {
  readonly #pipeline: string;
  readonly #nodes: Node[] = [];
  readonly #names = new Set<string>();

  constructor(pipeline: string) {
    this.#pipeline = pipeline;
  }

  from(source: Source<unknown, unknown>): unknown {
    if (source?.kind !== "source") throw this.#refuse("from()", "was not given a source");
    return this.#stream(this.#add({ kind: "source", name: source.name, source }, "source"), source.keyFields);
  }

  finish(): readonly Node[] {
    const read = new Set(this.#nodes.flatMap((node) => (node.kind === "source" ? [] : [node.input])));
    this.#nodes.forEach((node, i) => {
      const ends = node.kind === "sink" || node.kind === "late" || node.kind === "window";
      if (!ends && !read.has(i)) {
        throw this.#refuse(`"${node.name}"`, "leads nowhere", "End the stream with .to(sink), or take it out.");
      }
    });
    if (this.#nodes.length === 0) throw this.#refuse("it", "is empty", "Begin with flow.from(source).");
    const unread = this.#nodes.findIndex((node, i) => node.kind === "window" && !this.#rowsAreUsed(i));
    if (unread >= 0) {
      throw this.#refuse(
        `"${this.#nodes[unread]!.name}"`,
        "has rows that lead nowhere",
        "End the stream with .to(sink).",
      );
    }
    return this.#nodes;
  }

  #rowsAreUsed(window: number): boolean {
    return this.#nodes.some((node) => node.kind !== "source" && node.kind !== "late" && node.input === window);
  }

  #add(node: Node, what: string): number {
    checkName(
      `pipeline("${this.#pipeline}"): a ${what}`,
      node.kind === "late" ? node.name.replace(/\.late$/, "") : node.name,
    );
    if (this.#names.has(node.name)) {
      throw this.#refuse(
        `two of its parts`,
        `are named "${node.name}"`,
        "A name addresses an operator's state: give each its own.",
      );
    }
    this.#names.add(node.name);
    return this.#nodes.push(node) - 1;
  }

  #stream(input: number, keyFields: readonly string[], isLate = false): object {
    // A late stream becomes part of the pipeline once it is used.
    let node = isLate ? -1 : input;
    const here = (): number => {
      if (node < 0) node = this.#add({ kind: "late", name: `${this.#nodes[input]!.name}.late`, input }, "late stream");
      return node;
    };
    const after = (next: Node) => this.#stream(this.#add(next, next.kind), keyFields);
    const byKey = () => {
      if (keyFields.length === 0) {
        throw this.#refuse("byKey", "was asked of a stream without a key", "Declare the source's key.");
      }
      return {
        window: (name: string, assigner: WindowAssigner, options?: WindowOptions) =>
          this.#window(here(), keyFields, name, assigner, options ?? {}),
      };
    };
    const stream = {
      filter: (name: string, predicate: (value: never) => boolean) =>
        after({ kind: "filter", name, input: here(), predicate: this.#function("filter", name, predicate) }),
      map: (name: string, change: (value: never) => unknown) =>
        after({ kind: "map", name, input: here(), change: this.#function("map", name, change) }),
      flatMap: (name: string, expand: (value: never) => Iterable<unknown>) =>
        after({ kind: "flatMap", name, input: here(), expand: this.#function("flatMap", name, expand) }),
      get byKey() {
        return byKey();
      },
      keyBy: (name: string, _key: KeySpec<never>) => {
        throw this.#refuse(
          `keyBy("${name}")`,
          "needs a shuffle, which is not possible yet",
          "Let producers partition by that key, declare it as the source's key and use byKey.",
        );
      },
      to: (sink: SinkDeclaration) => {
        if (sink?.kind !== "sink") {
          throw this.#refuse(`.to() after "${this.#nodes[input]!.name}"`, "was not given a sink");
        }
        this.#add({ kind: "sink", name: sink.name, input: here(), sink }, "sink");
        return stream;
      },
    };
    return stream;
  }

  #window(input: number, keyFields: readonly string[], name: string, assigner: WindowAssigner, options: WindowOptions) {
    const what = `pipeline("${this.#pipeline}"): window "${name}"`;
    if (typeof assigner?.startOf !== "function")
      throw this.#refuse(`window("${name}")`, "was not given windows", "Use tumbling({ hours: 1 }).");
    const allowedLateness = toMillis(options.allowedLateness ?? {}, `${what}: allowedLateness`);
    return {
      aggregate: (aggregates: Readonly<Record<string, Aggregate<never, unknown>>>) => {
        const fields = Object.keys(aggregates);
        if (fields.length === 0)
          throw this.#refuse(
            `window("${name}").aggregate`,
            "has no aggregate",
            "Name one, such as { events: count() }.",
          );
        for (const field of fields) {
          checkField(`${what}: a row`, field);
          if (keyFields.includes(field) || field === "windowStart" || field === "windowEnd") {
            throw this.#refuse(
              `window("${name}").aggregate`,
              `has a field "${field}", a name taken by the key or the window`,
            );
          }
        }
        const node = this.#add({ kind: "window", name, input, assigner, allowedLateness, aggregates }, "window");
        return Object.defineProperty(this.#stream(node, keyFields), "late", {
          value: this.#stream(node, keyFields, true),
        });
      },
    };
  }

  #function<F>(operator: string, name: string, user: F): F {
    if (typeof user === "function") return user;
    throw this.#refuse(`${operator}("${name}")`, "was not given a function");
  }

  #refuse(part: string, problem: string, advice?: string) {
    return definitionError({
      code: "pipeline/invalid",
      message: `pipeline("${this.#pipeline}"): ${part} ${problem}.`,
      ...(advice === undefined ? {} : { advice }),
    });
  }
}
