import type { StandardSchemaV1 } from "@standard-schema/spec";
import { declareUnordered, type UnorderedOptions, type UnorderedSource } from "../../pipeline/source.ts";

/** What makes a source the objects of a bucket. */
export const S3 = "s3";

/** The settings of a source of objects. */
export type S3ObjectsOptions<S extends StandardSchemaV1> = UnorderedOptions<S>;

/**
 * The objects of an S3 bucket, from when they are created: of lines of JSON, plain, gzip or zstd by their first bytes. Objects come in
 * no order and may come again, so that what follows keeps no state; what comes of a line has the same ids each time.
 *
 * An object may be larger than one invocation can read: the next goes on where it was left.
 *
 * @example
 * const archive = s3Objects("archive", { schema: z.object({ id: z.string(), shop: z.string() }) });
 * pipeline("load", (flow) => {
 *   flow.from(archive).to(stream("loaded", { id: text, shop: text }, { key: { shop: (row) => row.shop } }));
 * });
 *
 * @param name the source's name, by which the construct is told of the bucket: `s3Objects: { archive: { bucket } }`
 * @throws definition errors for settings that cannot be, naming them
 */
export const s3Objects = <S extends StandardSchemaV1>(
  name: string,
  options: S3ObjectsOptions<S>,
): UnorderedSource<StandardSchemaV1.InferOutput<S>, StandardSchemaV1.InferInput<S>> =>
  declareUnordered(S3, name, options);
