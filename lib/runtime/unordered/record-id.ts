import { createHash } from "node:crypto";
import { poisonError } from "../../errors.ts";

/** What a partition of a task's name may be, and stays what it is in an output's id. */
const PLAIN = /^[\x21-\x7e]{1,100}$/;
const RESERVED = /[:@]/;

/** A record's id as a part of names and of output ids: the text itself where that can be one, else its SHA-256. */
export const recordId = (text: string): string =>
  PLAIN.test(text) && !RESERVED.test(text) ? text : createHash("sha256").update(text).digest("hex");

/** What a pipeline says a record's id is. @throws poison error `source/id` for what is no text, or an empty one */
export function toldId(told: unknown): string {
  if (typeof told === "string" && told !== "") return recordId(told);
  throw poisonError({ code: "source/id", message: "The record's id is no text, or an empty one." });
}
