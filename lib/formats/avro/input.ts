/** Why bytes are no Avro, or a schema is none. */
export class AvroError extends Error {
  override readonly name = "AvroError";
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Columns that take no byte are few. */
const FREE_STEPS = 20_000;
const STEPS_A_BYTE = 4;

/** A varint has seven bits a byte: 64 of them take ten. */
const MOST_VARINT_BYTES = 10;
/** So many bytes of one fit into a whole number of 32 bits. */
const SMALL_BYTES = 4;

/**
 * Reads what Avro's binary encoding is made of, never beyond its end: bytes are anyone's, and a few of them may announce
 * terabytes.
 *
 * Apache Avro 1.12 specification, "Binary Encoding".
 */
export class AvroInput {
  readonly #bytes: Buffer;
  #at = 0;
  #steps: number;
  /** Items that may still come, in all arrays and maps together: in each other too, each has a byte of its own. */
  #items: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#steps = FREE_STEPS + bytes.length * STEPS_A_BYTE;
    this.#items = bytes.length;
  }

  /** How many bytes there are still. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Counts columns that are to be read: a schema can have more of them than there are bytes. */
  columns(count: number): void {
    this.#steps -= count;
    if (this.#steps < 0) throw new AvroError("it has more columns than bytes");
  }

  boolean(): boolean {
    const byte = this.#byte();
    if (byte > 1) throw new AvroError(`${byte} is no boolean`);
    return byte === 1;
  }

  int(): number {
    const value = this.long();
    if (typeof value === "number" && value === (value | 0)) return value;
    throw new AvroError("an int has more than 32 bits");
  }

  /** A bigint beyond 2^53. */
  long(): number | bigint {
    let low = 0;
    for (let i = 0; i < SMALL_BYTES; i++) {
      const byte = this.#byte();
      low |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    let zigzag = BigInt(low);
    for (let i = SMALL_BYTES; i < MOST_VARINT_BYTES; i++) {
      const byte = this.#byte();
      if (i === MOST_VARINT_BYTES - 1 && byte > 1) break;
      zigzag |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) {
        const value = (zigzag >> 1n) ^ -(zigzag & 1n);
        const number = Number(value);
        return Number.isSafeInteger(number) ? number : value;
      }
    }
    throw new AvroError("a long has more than 64 bits");
  }

  float(): number {
    return this.#take(4).readFloatLE();
  }

  double(): number {
    return this.#take(8).readDoubleLE();
  }

  bytes(): Buffer {
    return this.#take(this.#size());
  }

  string(): string {
    const bytes = this.bytes();
    try {
      return UTF_8.decode(bytes);
    } catch {
      throw new AvroError("a string is not UTF-8");
    }
  }

  fixed(size: number): Buffer {
    return this.#take(size);
  }

  /**
   * Items of an array or a map, block by block. Each takes a byte or more: those that take none are nothing that anyone
   * writes, and could be any number, also by coming in block after block.
   */
  blocks(item: () => void): void {
    for (;;) {
      const count = this.long();
      if (count === 0) return;
      if (count < 0) this.#size(); // what the block takes, for those who leave it out
      const items = count < 0 ? -count : count;
      if (items > this.left || items > this.#items) {
        throw new AvroError(`a block has ${items} items in ${this.left} bytes`);
      }
      this.#items -= Number(items);
      for (let i = 0; i < items; i++) item();
    }
  }

  #size(): number {
    const size = this.long();
    if (typeof size === "number" && size >= 0 && size <= this.left) return size;
    throw new AvroError(`${size} bytes are announced, and ${this.left} are left`);
  }

  #take(size: number): Buffer {
    if (size > this.left) throw new AvroError(`${size} bytes are needed, and ${this.left} are left`);
    return this.#bytes.subarray(this.#at, (this.#at += size));
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new AvroError("it ends too early");
    return byte;
  }
}
