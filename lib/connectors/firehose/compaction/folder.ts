import { createHash } from "node:crypto";
import type { LakeFile } from "./lake-files.ts";

const DAY = 86_400_000;

/** What the names of merged files begin with: Firehose's begin with the delivery stream's. */
const MERGED = "merged-";

/** A day's files: what is compacted together. */
export interface Folder {
  /** What its files' keys begin with, to the slash. */
  readonly prefix: string;
  /** When its day is over: epoch milliseconds. */
  readonly end: number;
  readonly files: readonly LakeFile[];
}

/** A merged file, and the files that it was made of, by their names in the folder. */
export interface MergedFile {
  readonly file: LakeFile;
  readonly inputs: readonly string[];
}

/** Folders of one day of events, or of the arrival of rows: `event_date=2001-02-03/`, `2001/02/03/`. */
const FOLDER = /^(?:event_date=)?(\d{4})[-/](\d\d)[-/](\d\d)\//;

/** The folders of a lake one after the other, as its files are listed. What is in none is left alone. */
export async function* foldersOf(prefix: string, files: AsyncIterable<LakeFile>): AsyncGenerator<Folder> {
  let folder: { prefix: string; end: number; files: LakeFile[] } | undefined;
  for await (const file of files) {
    const [name, year, month, day] = FOLDER.exec(file.key.slice(prefix.length)) ?? [];
    if (name === undefined) continue;
    if (folder?.prefix !== prefix + name) {
      if (folder !== undefined) yield folder;
      folder = { prefix: prefix + name, end: Date.UTC(Number(year), Number(month) - 1, Number(day)) + DAY, files: [] };
    }
    folder.files.push(file);
  }
  if (folder !== undefined) yield folder;
}

/** A file's name in its folder. */
export const nameIn = ({ prefix }: Folder, { key }: LakeFile): string => key.slice(prefix.length);

export const isMerged = (folder: Folder, file: LakeFile): boolean => nameIn(folder, file).startsWith(MERGED);

/** The key of what is merged of these files. Files never change, so that whoever merges the same writes the same rows. */
export function mergedKey(folder: Folder, inputs: readonly string[]): string {
  const hash = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 32);
  return `${folder.prefix}${MERGED}${hash}.parquet`;
}

/** What there is to do in a folder. */
export interface Work {
  /** Files whose rows have been in a merged file for long enough, oldest first. */
  readonly replaced: readonly LakeFile[];
  /** Files to merge, each group into one. */
  readonly groups: readonly (readonly LakeFile[])[];
}

/**
 * A file that a merged one was made of is replaced: as long as that one is there, its rows are. It is deleted when the
 * merged file is older than any query that may have listed the folder before it was there.
 *
 * Of the others, those that are small are merged, in the order of their keys, which is the order in which rows
 * arrived: repeats are near each other.
 *
 * @param now epoch milliseconds
 * @param queryMillis the longest that a query runs
 * @param largest bytes of a merged file, more or less
 */
export function workIn(
  folder: Folder,
  merged: readonly MergedFile[],
  { now, queryMillis, largest }: { readonly now: number; readonly queryMillis: number; readonly largest: number },
): Work {
  const since = new Map<string, number>();
  for (const { file, inputs } of merged) {
    for (const input of inputs) since.set(input, Math.min(since.get(input) ?? Infinity, file.modified));
  }
  const replacedSince = (file: LakeFile) => since.get(nameIn(folder, file));
  const replaced = folder.files
    .filter((file) => (replacedSince(file) ?? Infinity) + queryMillis <= now)
    .toSorted((a, b) => a.modified - b.modified);
  const small = folder.files.filter((file) => replacedSince(file) === undefined && file.bytes < largest / 2);
  const groups: LakeFile[][] = [];
  let bytes = Infinity;
  for (const file of small) {
    if (bytes + file.bytes > largest) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(file);
    bytes += file.bytes;
  }
  return { replaced, groups: groups.filter((group) => group.length > 1) };
}
