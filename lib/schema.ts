import type { StandardSchemaV1 } from "@standard-schema/spec";
import { poisonError, systemicError } from "./errors.ts";

/**
 * A value checked, and perhaps converted, by a Standard Schema.
 *
 * @throws poison error `schema/mismatch` naming the first fields at fault, never their values;
 *   systemic error `schema/asynchronous` when the schema answers with a promise
 */
export function validate<S extends StandardSchemaV1>(schema: S, value: unknown): StandardSchemaV1.InferOutput<S> {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) {
    result.catch(() => undefined); // its outcome is of no interest any more
    throw systemicError({
      code: "schema/asynchronous",
      message: "The schema validates asynchronously, which a fold cannot wait for.",
      advice: "Take asynchronous refinements and transforms out of the schema.",
    });
  }
  if (result.issues === undefined) return result.value;
  throw poisonError({ code: "schema/mismatch", message: result.issues.slice(0, 3).map(describe).join("; ") });
}

function describe({ path, message }: StandardSchemaV1.Issue): string {
  const keys = (path ?? []).map((part) => String(typeof part === "object" ? part.key : part));
  return keys.length === 0 ? message : `${keys.join(".")}: ${message}`;
}
