import { systemicError } from "../errors.ts";
import type { VersionedShape } from "../state/versions.ts";

/** A value that a stage may send in one version and another build's reader take in another. */
export interface SentVersion {
  /** What versions are of, as in its shape. */
  readonly shape: string;
  readonly versions: VersionedShape;
  /** The error's, when it cannot be read. */
  readonly code: string;
  /** For the message: "A row", and through what it came. */
  readonly noun: string;
  readonly through: string;
}

/** A value of the version that was sent as one of this build's. @throws systemic error `code` */
export function presentOf(
  { shape, versions, code, noun, through }: SentVersion,
  version: number,
  value: unknown,
): unknown {
  const way = versions.wayFrom(`${shape}/${version}`);
  if (way.kind === "same") return value;
  if (way.kind === "migrated") return way.migrate(value);
  const deploy = "Deploy the build that sent it";
  throw systemicError({
    code,
    message: `${noun} of version ${version} came through ${through}, of which this build has ${versions.text}.`,
    advice: way.kind === "later" ? `${deploy}, or a later one.` : (way.advice ?? `${deploy}.`),
  });
}
