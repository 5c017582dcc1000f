import { definitionError } from "../errors.ts";
import { Builder } from "./builder.ts";
import { buildStream } from "./build-stream.ts";
import { checkName } from "./names.ts";
import { checkSuccessions } from "./successions.ts";
import type { Source, SourceDeclaration, UnorderedSource } from "./source.ts";
import type { Stream } from "./stream.ts";
import type { Pipeline, PoisonPolicy } from "./topology.ts";
import type { UnorderedStream } from "./unordered.ts";

/** Where a pipeline's streams begin. */
export interface Flow {
  from<T>(source: UnorderedSource<T, never>): UnorderedStream<T>;
  from<T, K>(source: Source<T, K, never>): Stream<T, K>;
}

export interface PipelineOptions {
  /** @default half of a task's last thousand records */
  readonly poison?: PoisonPolicy;
  /**
   * Operators that the pipeline had and whose state goes with it. Without a word here, state of an operator that is gone
   * stops the task. A `keyBy` that is gone is named here too: what is in its stage goes.
   */
  readonly dropped?: readonly string[];
}

/**
 * A named graph of sources, operators and sinks.
 *
 * `build` is called once, here; what it builds is checked, and errors name the operator. What it returns are the
 * pipeline's `handles`: streams whose operators tests look into.
 *
 * @throws definition errors: names that are invalid or used twice, streams that end nowhere,
 *   settings that are no durations
 */
export function pipeline<H>(name: string, build: (flow: Flow) => H, options: PipelineOptions = {}): Pipeline<H> {
  checkName("A pipeline", name);
  const poison = options.poison ?? { share: 0.5 };
  if (!(poison.share > 0 && poison.share <= 1)) {
    throw definitionError({
      code: "pipeline/poison",
      message: `pipeline("${name}"): the poison share ${String(poison.share)} is not above 0 and at most 1.`,
    });
  }
  const builder = new Builder(name);
  const handles = build({
    from: (source: SourceDeclaration) => {
      if (source?.kind !== "source") throw builder.refuse("from()", "was not given a source");
      const node = builder.add({ kind: "source", name: source.name, source });
      return buildStream(builder, node, source.keyFields) as never;
    },
  });
  const dropped = options.dropped ?? [];
  const nodes = builder.finish();
  checkSuccessions(builder, nodes, dropped);
  return { kind: "pipeline", name, nodes, poison, dropped, handles };
}
