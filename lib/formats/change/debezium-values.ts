import { poisonError } from "../../errors.ts";

const MILLIS_OF_DAY = 86_400_000;

/** Days since 1970 (`io.debezium.time.Date`) as epoch milliseconds: midnight in UTC. */
export const fromDays = (days: number): number => checked(days * MILLIS_OF_DAY);

/**
 * Microseconds (`io.debezium.time.MicroTimestamp`, since 1970; `MicroTime`, since midnight) as milliseconds, rounded down.
 *
 * @example
 * fromMicros(1529507596945104) === 1529507596945;
 */
export const fromMicros = (micros: number | bigint): number => inMillis(micros, 1_000);

/**
 * Nanoseconds (`io.debezium.time.NanoTimestamp`, `NanoTime`) as milliseconds. A JSON number of this size is exact to
 * 256 nanoseconds; of Avro it is a bigint, and exact.
 *
 * @example
 * fromNanos(1529507596945104500n) === 1529507596945;
 */
export const fromNanos = (nanos: number | bigint): number => inMillis(nanos, 1_000_000);

/** A text with an offset (`io.debezium.time.ZonedTimestamp`, `IsoTimestamp`) as epoch milliseconds. */
export const fromZoned = (text: string): number => checked(Date.parse(text));

/** @param parts of a millisecond that there are so many of */
function inMillis(parts: number | bigint, perMilli: number): number {
  if (typeof parts === "number") return checked(Math.floor(parts / perMilli));
  const millis = parts / BigInt(perMilli);
  return checked(Number(parts < 0n && millis * BigInt(perMilli) !== parts ? millis - 1n : millis));
}

function checked(millis: number): number {
  if (Number.isFinite(millis)) return millis;
  throw poisonError({ code: "debezium/time", message: "A time is none that Debezium writes." });
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What a decimal may have: PostgreSQL has 131,072 digits before the point; nobody means that many. */
const MAX_BYTES = 256;
const MAX_SCALE = 1_000;

/**
 * Reads a decimal of `decimal.handling.mode` `precise` (`org.apache.kafka.connect.data.Decimal`): base64 of the unscaled number
 * in two's complement, with the scale that the column has. The text is exact, as `sumDecimal` takes it.
 *
 * @example
 * decimalText(2)("C+o=") === "30.50";
 */
export const decimalText =
  (scale: number) =>
  (base64: string): string => {
    if (!BASE64.test(base64) || base64 === "" || base64.length > (MAX_BYTES / 3) * 4) throw notDecimal();
    const bytes = Buffer.from(base64, "base64");
    const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString("hex")}`));
    return scaled(unscaled, scale);
  };

/** Reads a decimal that brings its scale (`io.debezium.data.VariableScaleDecimal`): a column `NUMERIC` without a precision. */
export const variableDecimalText = ({ scale, value }: { readonly scale: number; readonly value: string }): string =>
  decimalText(scale)(value);

function scaled(unscaled: bigint, scale: number): string {
  if (!Number.isInteger(scale) || Math.abs(scale) > MAX_SCALE) throw notDecimal();
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const notDecimal = () => poisonError({ code: "debezium/decimal", message: "A decimal is none that Debezium writes." });
