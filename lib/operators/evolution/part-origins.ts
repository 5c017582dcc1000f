import type { EvolvingShape, PartsChange, StatePart, StateShape } from "./state-shape.ts";

/** Where a part of this build's values comes from in values of another build. */
export interface PartOrigin {
  /** Its place among the stored parts; undefined for a part that was added since. */
  readonly index: number | undefined;
  /** What its values go through; undefined for none. */
  readonly migrate: ((stored: unknown) => unknown) | undefined;
}

/** How values of another shape become values of this build's. */
export interface PartOrigins {
  /** The other shape's version: for messages. */
  readonly version: number;
  /** How many parts the stored values have. */
  readonly stored: number;
  /** In the order of this build's parts. */
  readonly origins: readonly PartOrigin[];
  /** Parts that were taken out since. */
  readonly removed: ReadonlySet<string>;
}

/** Why values of another shape cannot become values of this build's. */
export interface Misfit {
  /** Whether a later version wrote them. */
  readonly isLater: boolean;
  readonly problems: readonly string[];
  /** What to do about it; nothing where no build can. */
  readonly advice: readonly string[];
}

export const isMisfit = (of: PartOrigins | Misfit): of is Misfit => "problems" in of;

/** How values of a shape become values of this build's; or why they cannot. */
export function originsOf(ours: EvolvingShape, theirs: StateShape): PartOrigins | Misfit {
  if (theirs.fixed !== ours.fixed) {
    return misfit([`it was written as «${theirs.fixed}», and this build's is «${ours.fixed}»`], []);
  }
  if (theirs.version > ours.version) {
    return { ...misfit([`its version is ${theirs.version}, and this build's is ${ours.version}`], []), isLater: true };
  }
  const live = new Map<string, number | undefined>(theirs.parts.map(([name], i) => [name, i]));
  const removed = new Set<string>();
  for (let version = theirs.version; version < ours.version; version++) {
    for (const name of ours.changes.get(version)?.removed ?? []) if (live.delete(name)) removed.add(name);
    for (const name of ours.changes.get(version)?.added ?? []) if (!live.has(name)) live.set(name, undefined);
  }
  const added = ours.parts.filter(({ name }) => !live.has(name));
  const missing = ours.isSparse ? [] : added.map(({ name }) => name);
  const unknown = [...live.keys()].filter((name) => ours.parts.every((part) => part.name !== name));
  if (missing.length + unknown.length > 0) return unsaid(ours, theirs, missing, unknown);
  const misfits: Misfit[] = [];
  const origins = ours.parts.map((part): PartOrigin => {
    const index = live.get(part.name);
    const origin = index === undefined ? ADDED : originOf(part, theirs.parts[index]![1], index);
    if (!("problems" in origin)) return origin;
    misfits.push(origin);
    return ADDED;
  });
  if (misfits.length === 0) return { version: theirs.version, stored: theirs.parts.length, origins, removed };
  return {
    isLater: misfits.some(({ isLater }) => isLater),
    problems: misfits.flatMap(({ problems }) => problems),
    advice: misfits.flatMap(({ advice }) => advice),
  };
}

const ADDED: PartOrigin = { index: undefined, migrate: undefined };

function originOf({ name, shape, wayFrom }: StatePart, stored: string, index: number): PartOrigin | Misfit {
  const way = wayFrom(stored);
  if (way.kind === "same") return { index, migrate: undefined };
  if (way.kind === "migrated") return { index, migrate: way.migrate };
  const problem = `"${name}" was written as ${stored}, and this build's is ${shape}`;
  if (way.kind === "later") return { ...misfit([problem], []), isLater: true };
  return misfit(
    [problem],
    [way.advice === undefined ? `take "${name}" out and add another` : `"${name}": ${way.advice}`],
  );
}

/** The set of parts changed, and nobody said so. */
function unsaid(
  ours: EvolvingShape,
  theirs: StateShape,
  missing: readonly string[],
  unknown: readonly string[],
): Misfit {
  const { version } = theirs;
  const change: PartsChange = {
    ...(missing.length > 0 && { added: missing }),
    ...(unknown.length > 0 && { removed: unknown.map((name) => ours.saidAs?.(name) ?? name) }),
  };
  const lists = Object.entries(change).map(([kind, names]) => `${kind}: ${JSON.stringify(names)}`);
  const next = Math.max(ours.version, version + 1);
  return misfit(
    [
      ...missing.map((name) => `it has no "${name}", which this build has`),
      ...unknown.map((name) => `it has a "${name}", which this build does not have`),
    ],
    [`give the operator version: ${next}, migrate: { ${next - 1}: { ${lists.join(", ")} } }`],
  );
}

const misfit = (problems: readonly string[], advice: readonly string[]): Misfit => ({
  isLater: false,
  problems,
  advice,
});
