import { DROPPED_OUTPUTS, OUTPUTS, type Span } from "./spans.ts";

/** What became of the records of a trace, commit after commit. */
export interface TracePath {
  /** 32 hexadecimal digits, as in the record's `traceparent`. */
  readonly traceId: string;
  readonly steps: readonly TraceStep[];
}

/** A commit that folded records of a trace, or made outputs of what came of them. */
export interface TraceStep {
  readonly task: string;
  readonly epoch: number;
  /** The first ids of what it made of them, by sink or by the stage it was sent to; dead letters under `$dead-letters`. */
  readonly outputs: Readonly<Record<string, readonly string[]>>;
  /** How many more ids there are. */
  readonly dropped: number;
}

/** The paths of the traces that spans tell of. @param spans in the order of their commits */
export function pathsOf(spans: readonly Pick<Span, "name" | "links" | "attributes">[]): readonly TracePath[] {
  const paths = new Map<string, TraceStep[]>();
  for (const { attributes: of, links = [] } of spans.filter(({ name }) => name === "commit")) {
    const task = of["millrace.task"] as string;
    const epoch = of["millrace.epoch"] as number;
    for (const { traceId, attributes } of links) {
      const path = paths.get(traceId) ?? [];
      paths.set(traceId, path);
      const last = path.at(-1);
      const isSame = last?.task === task && last.epoch === epoch; // a trace of several records
      const outputs: Record<string, readonly string[]> = isSame ? { ...last.outputs } : {};
      for (const [name, ids] of Object.entries(attributes)) {
        if (typeof ids === "number" || !name.startsWith(OUTPUTS)) continue;
        const sink = name.slice(OUTPUTS.length);
        outputs[sink] = [...new Set([...(outputs[sink] ?? []), ...ids])];
      }
      const dropped = (isSame ? last.dropped : 0) + Number(attributes[DROPPED_OUTPUTS] ?? 0);
      path.splice(isSame ? -1 : path.length, 1, { task, epoch, outputs, dropped });
    }
  }
  return [...paths].map(([traceId, steps]) => ({ traceId, steps }));
}
