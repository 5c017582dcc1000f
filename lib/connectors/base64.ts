import { poisonError } from "../errors.ts";

/** The bytes of a payload, as mappings send it. @throws poison error `<connector>/base64` */
export function bytesOf(base64: string, connector: string): Buffer {
  const bytes = Buffer.from(base64, "base64");
  checkLength(base64, bytes.length, connector);
  return bytes;
}

/** Payloads that take more are decoded into a buffer of their own. */
const MOST_BYTES = 64 * 1_024;

/** Decodes payloads into memory that is used again for the next one: what is made of one must keep nothing of it. */
export class Base64Decoder {
  readonly #connector: string;
  #bytes = Buffer.allocUnsafe(1_024);
  #length = 0;

  constructor(connector: string) {
    this.#connector = connector;
  }

  /** The bytes of a payload; and what was there before, after {@link length} of them. @throws poison error `<connector>/base64` */
  decode(base64: string): Buffer {
    const most = (base64.length / 4) * 3;
    if (most > this.#bytes.length) {
      if (most > MOST_BYTES) {
        const bytes = bytesOf(base64, this.#connector);
        this.#length = bytes.length;
        return bytes;
      }
      this.#bytes = Buffer.allocUnsafe(Math.min(Math.ceil(most) * 2, MOST_BYTES));
    }
    this.#length = this.#bytes.write(base64, "base64");
    checkLength(base64, this.#length, this.#connector);
    return this.#bytes;
  }

  /** How many bytes the last payload had. */
  get length(): number {
    return this.#length;
  }
}

/** Node skips what is not base64; then there are fewer bytes than the text stands for. */
function checkLength(base64: string, bytes: number, connector: string): void {
  const end = base64.length;
  const padding = base64[end - 1] !== "=" ? 0 : base64[end - 2] === "=" ? 2 : 1;
  if (end % 4 === 0 && bytes === (end / 4) * 3 - padding) return;
  throw poisonError({ code: `${connector}/base64`, message: "The payload is not base64." });
}
