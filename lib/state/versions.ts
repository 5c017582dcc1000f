import { definitionError } from "../errors.ts";
import { storableCopy } from "./storable.ts";

/** Functions that each make a value of one version that of the next, by the version that they begin with. */
export interface Migrations {
  readonly [version: number]: (old: never) => unknown;
}

/** What is stored in a form of user code's own. */
export interface Versioned {
  /** Raised when the form or the meaning of what is stored changes. @default 1 */
  readonly version?: number;
  /**
   * By version, what makes a value of it one of the next: synchronous and pure, since it is run whenever what was
   * stored before is loaded.
   *
   * @example
   * const total = value(z.object({ cents: z.bigint() }), {
   *   version: 2,
   *   migrate: { 1: (euros: number) => ({ cents: BigInt(Math.round(euros * 100)) }) },
   * });
   */
  readonly migrate?: Migrations;
}

type Migration = (stored: unknown) => unknown;

/** How a stored value becomes one of this build: as it is, by a function, or not at all. */
export type Way =
  | { readonly kind: "same" }
  | { readonly kind: "migrated"; readonly migrate: Migration }
  /** It was written by a later version. */
  | { readonly kind: "later" }
  /** @param advice what would make it possible; undefined where nothing does */
  | { readonly kind: "none"; readonly advice: string | undefined };

/** Forms that follow on each other, and the ways from one to the next. Names itself as `kind/version`. */
export class VersionedShape {
  readonly #kind: string;
  readonly #version: number;
  readonly #steps: readonly Migration[];

  /**
   * @param what whose versions these are, for errors
   * @throws definition error `state/migration`
   */
  constructor(what: string, kind: string, { version = 1, migrate = {} }: Versioned = {}) {
    this.#kind = kind;
    this.#version = checkedVersion(what, version);
    this.#steps = checkedSteps(what, version, Object.entries(migrate), "function").map(([, step]) => step as Migration);
  }

  get text(): string {
    return `${this.#kind}/${this.#version}`;
  }

  /** The way from what was stored under a shape of this kind. */
  wayFrom(stored: string): Way {
    if (stored === this.text) return { kind: "same" };
    const version = versionIn(this.#kind, stored);
    if (version === undefined) return { kind: "none", advice: undefined };
    if (version > this.#version) return { kind: "later" };
    const steps = this.#steps.slice(this.#steps.length - (this.#version - version));
    if (this.#steps.length < this.#version - version) {
      return { kind: "none", advice: `give it migrate: { ${version}: (old) => … }` };
    }
    return { kind: "migrated", migrate: (value) => steps.reduce(next, value) };
  }
}

/** User code changes what it is given, or gives what it keeps: so each gets a copy, which can be stored. */
const next = (value: unknown, step: Migration): unknown => storableCopy(step(value), "What a migration made");

/** The way from another build's shape of what has no versions of its own. */
export const wayFromShape = (ours: string, stored: string): Way => {
  if (ours === stored) return { kind: "same" };
  const [, kind = "", version = ""] = /^([^ ]+)\/(\d+)/.exec(ours) ?? [];
  const theirs = versionIn(kind, stored.split(" ", 1)[0]!);
  return theirs !== undefined && theirs > Number(version) ? { kind: "later" } : { kind: "none", advice: undefined };
};

function versionIn(kind: string, shape: string): number | undefined {
  if (!shape.startsWith(`${kind}/`)) return undefined;
  const version = shape.slice(kind.length + 1);
  return /^[1-9]\d{0,8}$/.test(version) ? Number(version) : undefined;
}

/** @throws definition error `state/migration` */
export function checkedVersion(what: string, version: number): number {
  if (Number.isSafeInteger(version) && version >= 1 && version < 1e9) return version;
  throw bad(what, `has version ${String(version)}, which is not a whole number above zero`);
}

/**
 * Steps that lead from some version to the present one without a gap, in their order.
 *
 * @throws definition error `state/migration`
 */
export function checkedSteps<S>(
  what: string,
  version: number,
  steps: readonly (readonly [from: string, step: S])[],
  type: "function" | "object",
): readonly (readonly [from: number, step: S])[] {
  const checked = steps.map(([from, step]) => {
    if (typeof step !== type || step === null) throw bad(what, `migrates from version ${from} by what is no ${type}`);
    return [Number(from), step] as const;
  });
  const ascending = checked.sort(([a], [b]) => a - b);
  ascending.forEach(([from], i) => {
    const expected = version - ascending.length + i;
    if (from === expected && from >= 1) return;
    throw bad(what, `has version ${version} and migrates from ${ascending.map(([one]) => one).join(", ")}`);
  });
  return ascending;
}

const bad = (what: string, problem: string) =>
  definitionError({
    code: "state/migration",
    message: `${what} ${problem}.`,
    advice: "Versions are 1, 2, 3 and so on; migrations lead from one to the next, up to the present one.",
  });
