import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { systemicError, type MillraceError } from "../errors.ts";

export type Item = Record<string, AttributeValue>;

/** Reads an item's attributes, each as what it must be. */
export class Attributes {
  readonly #item: Item;
  readonly #what: string;

  /** @param what names the item in errors */
  constructor(item: Item, what: string) {
    this.#item = item;
    this.#what = what;
  }

  has(name: string): boolean {
    return this.#item[name] !== undefined;
  }

  text(name: string): string {
    return this.#textOf(this.#item[name], name);
  }

  /** A whole number that is not negative, and that a number can hold. */
  count(name: string): number {
    return this.#countOf(this.#item[name], name);
  }

  bytes(name: string): Uint8Array {
    return this.#as(this.#item[name]?.B, name, "bytes");
  }

  texts(name: string): readonly string[] {
    return this.#list(name).map((value) => this.#textOf(value, name));
  }

  /** A list of so many numbers. */
  numbers(name: string, length: number): readonly number[] {
    return this.#list(name, length).map((value) => this.#numberOf(value, name));
  }

  /** A list of a text and a count. */
  textAndCount(name: string): readonly [string, number] {
    const [text, count] = this.#list(name, 2);
    return [this.#textOf(text, name), this.#countOf(count, name)];
  }

  /** A set of texts; a table has no empty ones. */
  textSet(name: string): readonly string[] {
    return this.#item[name] === undefined ? [] : this.#as(this.#item[name].SS, name, "a set of texts");
  }

  /** An error that names the item and one of its attributes. */
  damaged(name: string, how: string): MillraceError {
    return systemicError({
      code: "state/corrupt",
      message: `${this.#what} is damaged: its attribute "${name}" ${how}.`,
      advice: 'See docs/operations.md, section "A damaged commit or checkpoint".',
    });
  }

  #list(name: string, length?: number): readonly AttributeValue[] {
    const list = this.#as(this.#item[name]?.L, name, "a list");
    if (length === undefined || list.length === length) return list;
    throw this.damaged(name, `has ${list.length} entries, not ${length}`);
  }

  #textOf(value: AttributeValue | undefined, name: string): string {
    return this.#as(value?.S, name, "a text");
  }

  #countOf(value: AttributeValue | undefined, name: string): number {
    const count = this.#numberOf(value, name);
    if (Number.isSafeInteger(count) && count >= 0) return count;
    throw this.damaged(name, "is no whole number, or negative, or too large");
  }

  #numberOf(value: AttributeValue | undefined, name: string): number {
    const text = this.#as(value?.N, name, "a number");
    const number = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isFinite(number)) return number;
    throw this.damaged(name, "is no number");
  }

  #as<T>(value: T | undefined, name: string, kind: string): T {
    if (value !== undefined) return value;
    throw this.damaged(name, this.has(name) ? `is not ${kind} where one must be` : "is missing");
  }
}
