import { readFileSync } from "node:fs";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { parseJson } from "../../lib/formats/json.ts";
import { validate } from "../../lib/schema.ts";

/** The recorded events of a file of ./changes, as they came. */
export const recorded = (file: string): unknown[] =>
  readFileSync(new URL(`changes/${file}.jsonl`, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => parseJson(Buffer.from(line)));

/** What a schema makes of a file's events. */
export const readAll = <S extends StandardSchemaV1>(schema: S, file: string): StandardSchemaV1.InferOutput<S>[] =>
  recorded(file).map((event) => validate(schema, event));
