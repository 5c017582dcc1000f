import type { Construct, IConstruct } from "constructs";
import { refuseSetting } from "../connectors/limits.ts";
import type { ProvisionedSink, ProvisionedSource } from "../connectors/provisioned.ts";

/** A way that copies go: from stream to stream, or topic. */
interface CopyWay {
  readonly sink: string;
  readonly from: string;
  readonly to: string;
  readonly oneWay: boolean;
}

/** The ways of all pipelines of an app. */
const WAYS = new WeakMap<IConstruct, CopyWay[]>();

/**
 * Refuses what would copy for ever: a stream to itself; and, by all pipelines of the app, a copy that does not say that it is one, where
 * records go from it back to where they came from.
 *
 * @param what names the pipeline in errors
 * @throws definition error `provision/refused` for the first; the second is told at synthesis
 */
export function refuseCircles(
  scope: Construct,
  what: string,
  stages: readonly { readonly source: ProvisionedSource; readonly sinks: readonly ProvisionedSink[] }[],
): void {
  const own = stages.flatMap(({ source: { copiedFrom: from }, sinks }) =>
    sinks.flatMap(({ name: sink, copy }): CopyWay[] =>
      from === undefined || copy === undefined ? [] : [{ sink, from, ...copy }],
    ),
  );
  const itself = own.find(({ from, to }) => from === to);
  if (itself !== undefined) {
    throw refuseSetting(
      `${what}: "${itself.sink}"`,
      `what its records come from, ${itself.to}`,
      "It would copy for ever.",
    );
  }
  if (own.length === 0) return;
  const ways = WAYS.get(scope.node.root) ?? [];
  WAYS.set(scope.node.root, ways);
  ways.push(...own);
  scope.node.addValidation({
    validate: () =>
      own.filter(({ oneWay, from, to }) => oneWay && isReached(ways, to, from)).map((way) => circle(what, way)),
  });
}

/** Whether copies lead from a place to another. */
function isReached(ways: readonly CopyWay[], from: string, to: string): boolean {
  const reached = new Set([from]);
  for (const place of reached) for (const way of ways) if (way.from === place) reached.add(way.to);
  return reached.has(to);
}

const circle = (what: string, { sink, from, to }: CopyWay): string =>
  `${what}: "${sink}" copies one way to ${to}, and other copies lead from there back to ${from}: nothing says which records are copies, ` +
  "so that they would come again, or go around for ever. Leave `oneWay` out, or one of the ways.";
