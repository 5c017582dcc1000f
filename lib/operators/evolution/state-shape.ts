import type { Way } from "../../state/versions.ts";

/**
 * What the stored values of a table are made of, as every commit and checkpoint says it beside them. As text:
 * `["what cannot change", version, ["part", "its shape"], …]`.
 */
export interface StateShape {
  /** What is the same in all versions: the kind of operator, its key, its windows. */
  readonly fixed: string;
  /** The operator's: raised when parts are added or taken out. */
  readonly version: number;
  /** What values consist of, in the order in which they are stored: aggregates, cells, timers. */
  readonly parts: readonly (readonly [name: string, shape: string])[];
}

/** A part of an operator's state in this build. */
export interface StatePart {
  readonly name: string;
  readonly shape: string;
  /** How what was stored under another shape becomes one of this. */
  readonly wayFrom: (stored: string) => Way;
}

/** What a version of an operator's state changed in the set of its parts. */
export interface PartsChange {
  /** Parts that the version before did not have. */
  readonly added?: readonly string[];
  /** Parts that only the version before had: what is stored of them goes. */
  readonly removed?: readonly string[];
}

/** A table's shape in this build, and the ways that lead to it. */
export interface EvolvingShape {
  readonly fixed: string;
  readonly version: number;
  readonly parts: readonly StatePart[];
  /** By the version that it begins with; up to the present one. */
  readonly changes: ReadonlyMap<number, PartsChange>;
  /** Whether values need not have all parts: a new one is simply not there yet. */
  readonly isSparse: boolean;
  /** What a change calls a part. @default as it is called itself */
  readonly saidAs?: (part: string) => string;
}

/** The shape of a table that has one version only. */
export const fixedShape = (fixed: string): EvolvingShape => ({
  fixed,
  version: 1,
  parts: [],
  changes: new Map(),
  isSparse: false,
});

/** A shape as it is stored. */
export const shapeText = ({ fixed, version, parts }: EvolvingShape): string =>
  JSON.stringify([fixed, version, ...parts.map(({ name, shape }) => [name, shape])]);

/** The same text, as a shape can be read from it, without a blank: entries of a stage have none. */
export const blanklessText = (shape: EvolvingShape): string => shapeText(shape).replaceAll(" ", String.raw`\u0020`);

/** A stored shape; undefined for a text that no build writes. */
export function shapeIn(text: string): StateShape | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const [fixed, version, ...parts] = value as unknown[];
  if (typeof fixed !== "string" || !Number.isSafeInteger(version) || (version as number) < 1) return undefined;
  if (!parts.every(isPart)) return undefined;
  const names = new Set(parts.map(([name]) => name));
  return names.size === parts.length ? { fixed, version: version as number, parts } : undefined;
}

const isPart = (value: unknown): value is readonly [string, string] =>
  Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === "string");
