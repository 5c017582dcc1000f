import { poisonError } from "../errors.ts";

/** The bytes of a payload, as mappings send it. @throws poison error `<connector>/base64` */
export function bytesOf(base64: string, connector: string): Buffer {
  const bytes = Buffer.from(base64, "base64");
  // Node skips what is not base64; then there are fewer bytes than the text stands for.
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  if (base64.length % 4 === 0 && bytes.length === (base64.length / 4) * 3 - padding) return bytes;
  throw poisonError({ code: `${connector}/base64`, message: "The payload is not base64." });
}
