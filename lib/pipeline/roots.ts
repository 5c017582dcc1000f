import { broadcastsReadBy, inputsOf, otherOf, type Node } from "./topology.ts";

/** Where a node's partitions come from: a source, or the internal stream behind a `keyBy`. */
export const isRoot = ({ kind }: Node): boolean => kind === "source" || kind === "keyBy";

/**
 * For each node the sources and `keyBy`s that its records may come from, without another in between. `keyBy`s that lead
 * into one internal stream, since an operator reads both, are one: the first of them stands for all.
 */
export function rootsOfAll(nodes: readonly Node[]): readonly ReadonlySet<number>[] {
  const firsts = nodes.map((_, i) => i);
  const firstOf = (root: number): number => (firsts[root] === root ? root : firstOf(firsts[root]!));
  const roots: ReadonlySet<number>[] = [];
  nodes.forEach((node, i) => {
    const own = isRoot(node) ? [i] : inputsOf(node).flatMap((input) => [...roots[input]!]);
    roots.push(new Set(own));
    if (otherOf(node) === undefined) return;
    const united = own.map(firstOf);
    const first = Math.min(...united);
    for (const root of united) firsts[root] = first;
  });
  return roots.map((own) => new Set([...own].map(firstOf)));
}

/** Whether what a root's stage sends on comes back to it, through any number of other stages. */
export function isCycle(nodes: readonly Node[], root: number): boolean {
  const roots = rootsOfAll(nodes);
  const producersOf = (of: number): readonly number[] =>
    nodes.flatMap((node, i) => {
      if (!roots[i]!.has(of)) return [];
      const read = node.kind === "keyBy" ? [node.input] : broadcastsReadBy(node);
      return read.flatMap((one) => [...roots[one]!]);
    });
  const seen = new Set<number>();
  const waiting = [...producersOf(root)];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next === root) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    waiting.push(...producersOf(next));
  }
  return false;
}
