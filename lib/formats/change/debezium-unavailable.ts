import { isObject } from "./row-schema.ts";

/**
 * Whether a value stands for one that the database did not log because it did not change (PostgreSQL: a TOAST value). What
 * stands there depends on the column's type: the text, its bytes in base64, an array or a map of it, or an array of its bytes.
 */
export function isUnavailable(value: unknown, placeholder: string): boolean {
  if (typeof value === "string") return value === placeholder || value === base64(placeholder);
  if (Array.isArray(value)) {
    if (value.length === 1) return typeof value[0] === "string" && isUnavailable(value[0], placeholder);
    const bytes = Buffer.from(placeholder);
    return value.length === bytes.length && value.every((byte, i) => byte === bytes[i]);
  }
  if (!isObject(value)) return false;
  const entries = Object.entries(value);
  return entries.length === 1 && entries[0]![0] === placeholder && entries[0]![1] === placeholder;
}

let known = { placeholder: "", base64: "" };

function base64(placeholder: string): string {
  if (known.placeholder !== placeholder) {
    known = { placeholder, base64: Buffer.from(placeholder).toString("base64") };
  }
  return known.base64;
}
