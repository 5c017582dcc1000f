/** A file of a lake. */
export interface LakeFile {
  readonly key: string;
  readonly bytes: number;
  /** When it was written, by S3's clock: epoch milliseconds. */
  readonly modified: number;
}

/** A lake's files: what compaction does with S3. A file is there whole or not at all, and never changes. */
export interface LakeFiles {
  /** All files whose keys begin so, in the order of their keys. */
  list(prefix: string): AsyncIterable<LakeFile>;
  /** The bytes from `start` up to `end`. */
  read(key: string, start: number, end: number): Promise<Uint8Array>;
  write(key: string, bytes: Uint8Array): Promise<void>;
  /** Deletes files, in any order; those that are gone already are no matter. */
  delete(keys: readonly string[]): Promise<void>;
}
