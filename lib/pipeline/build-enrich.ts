import type { EnrichSpec, LookupFailure } from "../operators/enrich.ts";
import type { KeyValue } from "../state/key.ts";
import { toPositiveMillis, type Duration } from "../time/duration.ts";
import { breakerPolicy, type BreakerOptions } from "./backpressure.ts";
import type { Builder } from "./builder.ts";
import type { TableDeclaration } from "./table.ts";
import { inputsOf, type Node } from "./topology.ts";

/** What {@link EnrichOptions} is when nothing is known of it. */
export interface AnyEnrichOptions {
  readonly key: (value: never) => KeyValue | undefined;
  readonly with: (value: never, found: never) => unknown;
  readonly call?: (key: never, options: { readonly signal: AbortSignal }) => unknown;
  readonly table?: TableDeclaration;
  readonly concurrency?: number;
  readonly cache?: { readonly entries: number; readonly ttl: Duration };
  readonly timeout?: Duration;
  readonly onFailure?: LookupFailure;
  readonly breaker?: BreakerOptions;
}

/** Adds an enriching node. @returns its index @throws definition errors naming it */
export function buildEnrich(builder: Builder, input: number, name: string, options: AnyEnrichOptions): number {
  const what = `enrich("${name}")`;
  checkBefore(builder, what, input);
  const { call, table, cache, timeout, concurrency = 16, onFailure = "retry", breaker } = options ?? {};
  if ((call === undefined) === (table === undefined)) {
    throw builder.refuse(what, "needs either a call or a table", "Give it one of them.");
  }
  checkCount(builder, `${what}.concurrency`, concurrency);
  if (cache !== undefined) checkCount(builder, `${what}.cache.entries`, cache.entries);
  if (onFailure !== "retry" && onFailure !== "dead-letter" && !("use" in Object(onFailure))) {
    throw builder.refuse(`${what}.onFailure`, "is unknown", 'Use "retry", "dead-letter" or { use: value }.');
  }
  if (breaker !== undefined && onFailure !== "retry") {
    throw builder.refuse(
      `${what}.breaker`,
      "has no meaning",
      'It is for onFailure "retry": else a failure is the record\'s own.',
    );
  }
  const spec: EnrichSpec = {
    name,
    key: builder.function("enrich", `${name}.key`, options.key),
    with: builder.function("enrich", `${name}.with`, options.with),
    lookup:
      table === undefined
        ? { kind: "call", call: builder.function("enrich", `${name}.call`, call!) }
        : { kind: "table", table: table.name, schema: table.schema },
    concurrency,
    timeout: toPositiveMillis(timeout ?? { seconds: 5 }, `${builder.where}: ${what}.timeout`),
    cache: cache && {
      entries: cache.entries,
      ttl: toPositiveMillis(cache.ttl, `${builder.where}: ${what}.cache.ttl`),
    },
    onFailure,
    ...(breaker && { breaker: breakerPolicy(`${builder.where}: ${what}.breaker`, breaker) }),
  };
  return builder.add({ kind: "enrich", name, input, spec, table });
}

/** Rows of what has state are made inside of a commit: too late to ask anybody. */
const STATEFUL: Partial<Record<Node["kind"], string>> = {
  window: "window",
  process: "process function",
  deduplicate: "deduplicate",
};

function checkBefore(builder: Builder, what: string, index: number): void {
  const node = builder.nodeAt(index);
  const kind = STATEFUL[node.kind];
  if (kind !== undefined) {
    throw builder.refuse(
      what,
      `comes after the ${kind} "${node.name}", whose rows are made inside of a commit, where nothing can be asked`,
      `Enrich before "${node.name}", or put a keyBy between them: a new stage begins there.`,
    );
  }
  // What a keyBy leads to is another stage, whose records are enriched before its own commits.
  if (node.kind !== "keyBy") for (const input of inputsOf(node)) checkBefore(builder, what, input);
}

function checkCount(builder: Builder, what: string, count: number): void {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw builder.refuse(what, `is ${String(count)}`, "It is a whole number above zero.");
  }
}
