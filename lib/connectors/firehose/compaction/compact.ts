import type { AsyncBuffer, FileMetaData } from "hyparquet";
import { infrastructureError, messageOf } from "../../../errors.ts";
import { OUTPUT_ID } from "../declare.ts";
import { foldersOf, isMerged, mergedKey, nameIn, workIn, type Folder } from "./folder.ts";
import type { LakeFile, LakeFiles } from "./lake-files.ts";
import { inputsOf, Merger, metadataOf, type FileColumn } from "./merge.ts";

/** A lake whose files are compacted. */
export interface CompactedLake {
  readonly name: string;
  /** Keys of its files begin with it. */
  readonly prefix: string;
  /** All but the output id. */
  readonly columns: readonly FileColumn[];
}

export interface CompactionSettings {
  readonly files: LakeFiles;
  readonly now: () => number;
  /** Whether there is time to merge once more: a merge reads and writes a few hundred megabytes at most. */
  readonly hasTime: () => boolean;
  readonly log: (event: string, details: Readonly<Record<string, unknown>>) => void;
  /** How long after its end a day is left alone, in milliseconds. */
  readonly closedAfterMillis: number;
  /** Bytes of a merged file, more or less. */
  readonly largest: number;
  /** The most rows of a merged file: their ids are kept while it is made. @default a million */
  readonly mostRows?: number;
}

/** Longer than any query runs that began before a file was replaced: Athena ends one after 30 minutes, 240 on request. */
export const QUERY_MILLIS = 4 * 3_600_000;

/** What the function has memory for. */
const MAX_ROWS = 1_000_000;

/**
 * Merges a lake's small files, folder by folder, and removes their repeats.
 *
 * Files are written before others are deleted, hours before: at every time each row is in a file that is there, and
 * where it is in two the view shows one. What a merged file was made of is written in it, so that there is nothing
 * else to keep, and a run may end anywhere: the next one finds what is to be done from the files alone.
 *
 * @throws what went wrong in a folder, after the others were done
 */
export async function compactLake(lake: CompactedLake, settings: CompactionSettings): Promise<void> {
  const { files, now, hasTime, log, closedAfterMillis } = settings;
  let failed: { folder: string; cause: unknown } | undefined;
  for await (const folder of foldersOf(lake.prefix, files.list(lake.prefix))) {
    if (folder.end + closedAfterMillis > now() || folder.files.length < 2) continue;
    if (!hasTime()) return log("out of time", { lake: lake.name, folder: folder.prefix });
    try {
      await compactFolder(lake, folder, settings);
    } catch (cause) {
      log("failed", { lake: lake.name, folder: folder.prefix, reason: messageOf(cause) });
      failed = { folder: folder.prefix, cause };
    }
  }
  if (failed === undefined) return;
  throw infrastructureError({
    code: "lake/compaction",
    message: `lake("${lake.name}"): ${failed.folder} cannot be compacted: ${messageOf(failed.cause)}`,
    cause: failed.cause,
  });
}

async function compactFolder(lake: CompactedLake, folder: Folder, settings: CompactionSettings): Promise<void> {
  const { files, now, hasTime, log, largest } = settings;
  const merged = [];
  for (const file of folder.files) {
    if (isMerged(folder, file)) merged.push({ file, inputs: await inputsOf(bufferOf(files, file)) });
  }
  const { replaced, groups } = workIn(folder, merged, { now: now(), queryMillis: QUERY_MILLIS, largest });
  if (replaced.length > 0) {
    await files.delete(replaced.map(({ key }) => key));
    log("deleted", { lake: lake.name, folder: folder.prefix, files: replaced.length, bytes: bytesOf(replaced) });
  }
  for (const group of groups) {
    if (hasTime()) await mergeGroup(lake, folder, group, settings);
  }
}

async function mergeGroup(
  lake: CompactedLake,
  folder: Folder,
  group: readonly LakeFile[],
  settings: CompactionSettings,
): Promise<void> {
  const { files, log } = settings;
  const merger = new Merger([...lake.columns, { name: OUTPUT_ID, type: "string" }], OUTPUT_ID);
  const inputs = await mergeable(lake, group, merger, settings);
  if (inputs.length < 2) return;
  for (const { file, metadata } of inputs) {
    const bytes = await files.read(file.key, 0, file.bytes); // small: no more than half of a merged one
    const buffer: AsyncBuffer = {
      byteLength: bytes.length,
      slice: (start, end) => arrayBufferOf(bytes.subarray(start, end)),
    };
    await merger.add(buffer, metadata);
  }
  const names = inputs.map(({ file }) => nameIn(folder, file));
  const bytes = merger.finish(names);
  await files.write(mergedKey(folder, names), bytes);
  const { read, rows } = merger;
  const counts = {
    files: inputs.length,
    rows,
    repeats: read - rows,
    bytesBefore: bytesOf(inputs.map(({ file }) => file)),
    bytes: bytes.length,
  };
  log("merged", { lake: lake.name, folder: folder.prefix, ...counts });
}

interface MergeableFile {
  readonly file: LakeFile;
  readonly metadata: FileMetaData;
}

/**
 * Those of a group that become one file. It reads their ends alone: what is never merged again is not read again by every
 * run to come. With half of the rows a file is large, however few bytes these take: so two that are left always fit.
 */
async function mergeable(
  lake: CompactedLake,
  group: readonly LakeFile[],
  merger: Merger,
  { files, log, mostRows = MAX_ROWS }: CompactionSettings,
): Promise<readonly MergeableFile[]> {
  const inputs: MergeableFile[] = [];
  let rows = 0;
  for (const file of group) {
    const metadata = await metadataOf(bufferOf(files, file));
    const count = Number(metadata.num_rows);
    if (count > mostRows / 2) continue;
    const refusal = merger.refuse(metadata);
    if (refusal !== undefined) {
      log("left alone", { lake: lake.name, file: file.key, reason: refusal });
      continue;
    }
    if (rows + count > mostRows) break; // the rest comes next time, and merges then
    rows += count;
    inputs.push({ file, metadata });
  }
  return inputs;
}

const bytesOf = (files: readonly LakeFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

/** A file that is read where it is asked for. */
const bufferOf = (files: LakeFiles, { key, bytes }: LakeFile): AsyncBuffer => ({
  byteLength: bytes,
  slice: async (start, end = bytes) => arrayBufferOf(await files.read(key, start < 0 ? bytes + start : start, end)),
});

const arrayBufferOf = (bytes: Uint8Array): ArrayBuffer => bytes.slice().buffer;
