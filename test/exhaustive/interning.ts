/**
 * Numbers for immutable values: two values get the same number exactly when they are equal through and through.
 * So a state's key is a few numbers, and equal keys are equal states, not merely equal hashes.
 *
 * Values are never changed once they were numbered: what was seen is remembered by identity.
 */
export class Interner {
  readonly #byText = new Map<string, number>();
  readonly #byIdentity = new WeakMap<object, number>();

  /** How many different values were numbered. */
  get size(): number {
    return this.#byText.size;
  }

  /** The value as a short text: a number stands for what it is made of. */
  textOf(value: unknown): string {
    switch (typeof value) {
      case "string":
        return value.length > 60 ? `s${this.#number(`s${value}`)}` : JSON.stringify(value);
      case "object":
        return value === null ? "null" : `#${this.idOf(value)}`;
      case "bigint":
        return `${value}n`;
      case "number":
      case "boolean":
      case "undefined":
        return String(value);
      default:
        throw new Error(`A ${typeof value} is no data`);
    }
  }

  idOf(value: object): number {
    const known = this.#byIdentity.get(value);
    if (known !== undefined) return known;
    const id = this.#number(this.#composed(value));
    // Byte arrays and maps cannot be frozen. All else: who changes what he has sent or received shall be found out.
    if (!(value instanceof Uint8Array)) Object.freeze(value);
    this.#byIdentity.set(value, id);
    return id;
  }

  /** Sets and maps in the order of their texts, so that how they came about does not matter. */
  #composed(value: object): string {
    if (value instanceof Uint8Array) return `b${Buffer.from(value).toString("base64")}`;
    if (Array.isArray(value)) return `[${value.map((item) => this.textOf(item)).join()}]`;
    if (value instanceof Map)
      return `m${[...value]
        .map(([key, item]) => `${this.textOf(key)}:${this.textOf(item)}`)
        .sort()
        .join()}`;
    if (value instanceof Error) throw new Error("An error is no data");
    const fields = Object.entries(value).filter(([, item]) => item !== undefined);
    return `{${fields
      .map(([key, item]) => `${key}:${this.textOf(item)}`)
      .sort()
      .join()}}`;
  }

  #number(text: string): number {
    let id = this.#byText.get(text);
    if (id === undefined) this.#byText.set(text, (id = this.#byText.size));
    return id;
  }
}
