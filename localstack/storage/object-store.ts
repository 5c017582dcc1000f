import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { LocalStackError } from "../errors.ts";

export interface StoredObject {
  readonly key: string;
  readonly body: Buffer;
  readonly contentType: string;
  readonly contentLength: number;
  readonly etag: string;
  readonly lastModified: Date;
  readonly metadata: Record<string, string>;
}

type ObjectEntry = Omit<StoredObject, "body"> & { readonly file: string };

/** How the emulator wants its errors: it recognises them by their class, so it hands in the maker. */
export type S3ErrorMaker = (code: string, message: string, status: number) => Error;

interface MultipartUpload {
  readonly bucket: string;
  readonly key: string;
  readonly contentType: string;
  readonly metadata: Record<string, string>;
  readonly parts: Map<number, { readonly body: Buffer; readonly etag: string }>;
}

/**
 * S3 objects as plain files, in the shape in which fauxqs expects its store: objects stay out of memory, and
 * other programs (DuckDB) can read them. Synchronous, because fauxqs calls it so.
 */
export class ObjectStore {
  private readonly directory: string;
  private readonly makeError: S3ErrorMaker;
  private readonly buckets = new Map<string, Map<string, ObjectEntry>>();
  private readonly created = new Map<string, Date>();
  private readonly uploads = new Map<string, MultipartUpload>();
  /** Is told of each object that is put. */
  onCreated: ((bucket: string, object: StoredObject) => void) | undefined;

  constructor(directory: string, makeError: S3ErrorMaker) {
    this.directory = directory;
    this.makeError = makeError;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
  }

  /** Paths of the objects whose keys start so, in the order of their keys. */
  files(bucket: string, prefix: string): readonly string[] {
    const objects = this.buckets.get(bucket);
    if (objects === undefined) throw new LocalStackError("NoSuchBucket", `There is no bucket ${bucket}.`);
    return sortedKeys(objects, prefix).map((key) => join(this.directory, bucket, objects.get(key)?.file ?? key));
  }

  createBucket(name: string): void {
    if (this.buckets.has(name)) return;
    this.buckets.set(name, new Map());
    this.created.set(name, new Date());
    mkdirSync(join(this.directory, name), { recursive: true });
  }

  deleteBucket(name: string): void {
    if (this.bucket(name).size > 0) {
      throw this.makeError("BucketNotEmpty", "The bucket you tried to delete is not empty.", 409);
    }
    this.buckets.delete(name);
    this.created.delete(name);
  }

  hasBucket(name: string): boolean {
    return this.buckets.has(name);
  }

  hasObject(bucket: string, key: string): boolean {
    return this.buckets.get(bucket)?.has(key) === true;
  }

  listBuckets(): { name: string; creationDate: Date }[] {
    return [...this.created]
      .map(([name, creationDate]) => ({ name, creationDate }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  putObject(
    bucket: string,
    key: string,
    body: Buffer,
    contentType?: string,
    metadata?: Record<string, string>,
  ): StoredObject {
    return this.store(bucket, key, body, `"${md5(body)}"`, contentType, metadata);
  }

  getObject(bucket: string, key: string): StoredObject {
    const { file, ...entry } = this.entry(bucket, key);
    return { ...entry, body: readFileSync(join(this.directory, bucket, file)) };
  }

  headObject(bucket: string, key: string): StoredObject {
    return { ...this.entry(bucket, key), body: Buffer.alloc(0) };
  }

  deleteObject(bucket: string, key: string): void {
    const objects = this.bucket(bucket);
    const entry = objects.get(key);
    if (entry === undefined) return;
    objects.delete(key);
    rmSync(join(this.directory, bucket, entry.file), { force: true });
  }

  deleteObjects(bucket: string, keys: readonly string[]): string[] {
    for (const key of keys) this.deleteObject(bucket, key);
    return [...keys];
  }

  listObjects(
    bucket: string,
    options: { prefix?: string; delimiter?: string; maxKeys?: number; startAfter?: string; marker?: string } = {},
  ): { objects: StoredObject[]; commonPrefixes: string[]; isTruncated: boolean } {
    const entries = this.bucket(bucket);
    const { prefix = "", delimiter, maxKeys = 1000 } = options;
    const after = options.startAfter ?? options.marker ?? "";
    const objects: StoredObject[] = [];
    const commonPrefixes = new Set<string>();
    for (const key of sortedKeys(entries, prefix)) {
      const cut = delimiter === undefined || delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      const group = cut < 0 || delimiter === undefined ? undefined : key.slice(0, cut + delimiter.length);
      if ((group ?? key) <= after || (group !== undefined && commonPrefixes.has(group))) continue;
      if (objects.length + commonPrefixes.size >= maxKeys) {
        return { objects, commonPrefixes: [...commonPrefixes], isTruncated: true };
      }
      if (group === undefined) objects.push(this.headObject(bucket, key));
      else commonPrefixes.add(group);
    }
    return { objects, commonPrefixes: [...commonPrefixes], isTruncated: false };
  }

  createMultipartUpload(bucket: string, key: string, contentType?: string, metadata?: Record<string, string>): string {
    this.bucket(bucket);
    const uploadId = randomUUID();
    const upload = { bucket, key, contentType: contentType ?? defaultType, metadata: metadata ?? {}, parts: new Map() };
    this.uploads.set(uploadId, upload);
    return uploadId;
  }

  uploadPart(uploadId: string, partNumber: number, body: Buffer): string {
    const etag = `"${md5(body)}"`;
    this.upload(uploadId).parts.set(partNumber, { body, etag });
    return etag;
  }

  completeMultipartUpload(uploadId: string, specs: readonly { partNumber: number; etag: string }[]): StoredObject {
    const upload = this.upload(uploadId);
    const bodies = specs.map(({ partNumber, etag }) => {
      const part = upload.parts.get(partNumber);
      if (part === undefined || part.etag.replaceAll('"', "") !== etag.replaceAll('"', "")) {
        throw this.makeError("InvalidPart", "One or more of the specified parts could not be found.", 400);
      }
      return part.body;
    });
    const digest = createHash("md5").update(
      Buffer.concat(bodies.map((body) => createHash("md5").update(body).digest())),
    );
    const etag = `"${digest.digest("hex")}-${bodies.length}"`;
    this.uploads.delete(uploadId);
    return this.store(upload.bucket, upload.key, Buffer.concat(bodies), etag, upload.contentType, upload.metadata);
  }

  abortMultipartUpload(uploadId: string): void {
    this.upload(uploadId);
    this.uploads.delete(uploadId);
  }

  private store(
    bucket: string,
    key: string,
    body: Buffer,
    etag: string,
    contentType = defaultType,
    metadata: Record<string, string> = {},
  ): StoredObject {
    const objects = this.bucket(bucket);
    const file = objects.get(key)?.file ?? this.freeFile(bucket, key);
    writeFileSync(join(this.directory, bucket, file), body);
    const entry = { key, contentType, contentLength: body.length, etag, lastModified: new Date(), metadata };
    objects.set(key, { ...entry, file });
    this.onCreated?.(bucket, { ...entry, body });
    return { ...entry, body };
  }

  /** The key itself where a file system allows it; keys such as `a` beside `a/b` get a name of their own. */
  private freeFile(bucket: string, key: string): string {
    const plain = key.split("/").every((part) => part !== "" && part !== "." && part !== ".." && part.length <= 255);
    if (plain) {
      const path = join(this.directory, bucket, key);
      try {
        mkdirSync(dirname(path), { recursive: true });
        if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return key;
      } catch {
        // A parent is itself an object; fall through to the hashed name.
      }
    }
    mkdirSync(join(this.directory, bucket, ".keys"), { recursive: true });
    return join(".keys", createHash("sha256").update(key).digest("hex"));
  }

  private bucket(name: string): Map<string, ObjectEntry> {
    const objects = this.buckets.get(name);
    if (objects === undefined)
      throw this.makeError("NoSuchBucket", `The specified bucket does not exist: ${name}`, 404);
    return objects;
  }

  private entry(bucket: string, key: string): ObjectEntry {
    const entry = this.bucket(bucket).get(key);
    if (entry === undefined) throw this.makeError("NoSuchKey", "The specified key does not exist.", 404);
    return entry;
  }

  private upload(uploadId: string): MultipartUpload {
    const upload = this.uploads.get(uploadId);
    if (upload === undefined)
      throw this.makeError("NoSuchUpload", "The specified multipart upload does not exist.", 404);
    return upload;
  }
}

const defaultType = "application/octet-stream";

function sortedKeys(objects: ReadonlyMap<string, ObjectEntry>, prefix: string): readonly string[] {
  // Like S3 by code units (for ASCII keys the same as its UTF-8 bytes), not by locale.
  return [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
}

function md5(body: Buffer): string {
  return createHash("md5").update(body).digest("hex");
}
