import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { KeyValue } from "../../state/key.ts";

/** AWS: Constraints in DynamoDB, "Partition keys" and "Number". */
const MAX_KEY_BYTES = 2_048;
const MAX_DIGITS = 38;
const LEAST_EXPONENT = -130;
const GREATEST_EXPONENT = 125;

/**
 * A value as a table's partition key; undefined for what no table can have as one, and would refuse a whole request for:
 * a text that is empty or too long, a number out of range, a truth value.
 */
export function keyAttributeOf(value: KeyValue): AttributeValue | undefined {
  if (typeof value === "string") {
    const bytes = Buffer.byteLength(value);
    return bytes > 0 && bytes <= MAX_KEY_BYTES ? { S: value } : undefined;
  }
  if (typeof value === "boolean") return undefined;
  const number = decimal(String(value));
  if (number === undefined || number.digits.length > MAX_DIGITS) return undefined;
  const exponent = number.exponent + number.digits.length - 1;
  const isWithin = number.digits === "" || (exponent >= LEAST_EXPONENT && exponent <= GREATEST_EXPONENT);
  return isWithin ? { N: String(value) } : undefined;
}

/** A key as text, the same however it is written: the table gives 1000 back for 1e3. */
export function keyTextOf({ S, N }: Partial<Record<"S" | "N", string>>): string {
  if (S !== undefined) return `s${S}`;
  const number = decimal(N ?? "");
  return number === undefined ? "" : `n${number.sign}${number.digits}e${number.exponent}`;
}

interface Decimal {
  readonly sign: string;
  /** Without zeros before or after; none for zero. */
  readonly digits: string;
  readonly exponent: number;
}

/** A decimal number's parts; undefined for a text that is none. */
function decimal(text: string): Decimal | undefined {
  const [, sign, whole, part = "", power = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const all = (whole + part).replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  if (digits === "") return { sign: "", digits, exponent: 0 };
  return { sign: sign!, digits, exponent: Number(power) - part.length + all.length - digits.length };
}
