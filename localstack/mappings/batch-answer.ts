import { isRecord } from "../template/template-file.ts";

/** What a mapping makes of a function's answer. */
export type BatchVerdict =
  | { readonly kind: "success" }
  /** The identifiers reported as failed; never empty. */
  | { readonly kind: "partial"; readonly failed: readonly string[] }
  | { readonly kind: "failure"; readonly reason: string };

const success: BatchVerdict = { kind: "success" };

/**
 * Reads an answer of a function whose mapping has ReportBatchItemFailures. Success: null, an object without
 * `batchItemFailures`, or with an empty or null list. Total failure: an identifier that is null, empty, missing or
 * not in the batch, or an answer of another shape.
 */
export function judgeAnswer(answer: unknown, isInBatch: (identifier: string) => boolean): BatchVerdict {
  if (answer === null || answer === undefined) return success;
  if (!isRecord(answer)) return { kind: "failure", reason: "the answer is not an object" };
  const list = answer["batchItemFailures"];
  if (list === null || list === undefined) return success;
  if (!Array.isArray(list)) return { kind: "failure", reason: "batchItemFailures is not a list" };
  const failed: string[] = [];
  for (const item of list) {
    const identifier: unknown = isRecord(item) ? item["itemIdentifier"] : undefined;
    if (typeof identifier !== "string" || identifier === "") {
      return { kind: "failure", reason: "an itemIdentifier is missing, null or empty" };
    }
    if (!isInBatch(identifier))
      return { kind: "failure", reason: `the itemIdentifier ${identifier} is not in the batch` };
    failed.push(identifier);
  }
  return failed.length === 0 ? success : { kind: "partial", failed };
}
