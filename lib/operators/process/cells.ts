import { messageOf, poisonError } from "../../errors.ts";
import { validate } from "../../schema.ts";
import { entryKey, partKey, SINGLE, spaceOfPart } from "../../state/entry-key.ts";
import { decodeField, encodeField, type KeyValue } from "../../state/key.ts";
import { storableCopy } from "../../state/storable.ts";
import { readable } from "../../state/stored-value.ts";
import type { ExpiringEntries } from "../expiring-entries.ts";
import type { CellDeclaration, ListCell, MapCell, ReducingCell, ValueCell } from "./cell.ts";
import type { CellScope } from "./scope.ts";

/** Any of the kinds, as the runtime sees it. */
export type AnyCell = ValueCell<unknown> | ListCell<unknown> | MapCell<KeyValue, unknown> | ReducingCell<unknown>;

/** Makes what user code finds under a cell's name. It is the current key's, whichever that is, or the task's. */
export function cellOf(
  name: string,
  declaration: CellDeclaration,
  entries: ExpiringEntries,
  scope: CellScope,
): AnyCell {
  const part = new Part(name, declaration, entries, scope);
  switch (declaration.kind) {
    case "value":
      return new Value(part);
    case "list":
      return new List(part);
    case "map":
      return new MapEntries(part);
    case "reducing":
      return new Reducing(part);
  }
}

/** A cell's entries of the current key. */
class Part {
  readonly #name: string;
  /** Names it in errors. */
  readonly #what: string;
  readonly #entries: ExpiringEntries;
  readonly #scope: CellScope;
  readonly declaration: CellDeclaration;
  /** What was made for the last key, and for its last entry: what is read is mostly written next. */
  #keyCode: string | undefined = undefined;
  #part = "";
  #space = SINGLE;
  #entry: string | undefined = undefined;
  #entryKey = "";

  constructor(name: string, declaration: CellDeclaration, entries: ExpiringEntries, scope: CellScope) {
    this.#name = name;
    this.#what = `State "${name}" of operator "${scope.operator}"`;
    this.declaration = declaration;
    this.#entries = entries;
    this.#scope = scope;
  }

  get(): unknown {
    return this.#entries.get(SINGLE, this.#key, this.#scope.clock);
  }

  getOrInitial(): unknown {
    const stored = this.get();
    return stored === undefined ? this.declaration.initial : stored; // null is a value
  }

  put(value: unknown): void {
    this.#put(SINGLE, this.#key, this.checked(value), this.declaration.ttl);
  }

  getEntry(entry: string): unknown {
    const key = this.#keyOf(entry);
    return this.#entries.get(this.#space, key, this.#scope.clock);
  }

  putEntry(entry: string, value: unknown): void {
    const key = this.#keyOf(entry);
    this.#put(this.#space, key, this.checked(value), this.declaration.ttl);
  }

  removeEntry(entry: string): void {
    const key = this.#keyOf(entry);
    this.#entries.remove(this.#space, key);
  }

  /** All entries that are seen, in no order. */
  entries(): readonly (readonly [entry: string, value: unknown])[] {
    return this.#entries.entriesOf(this.#key, this.#scope.clock);
  }

  /** What a part with entries knows beside them: it lives as long as any of them. */
  get head(): unknown {
    return this.#entries.get(SINGLE, this.#key, Number.NEGATIVE_INFINITY);
  }

  set head(value: unknown) {
    this.#put(SINGLE, this.#key, value, Number.POSITIVE_INFINITY);
  }

  clear(): void {
    const part = this.#key;
    if (this.#hasEntries) this.#entries.removePart(part);
    else this.#entries.remove(SINGLE, part);
  }

  /** @throws poison errors `state/mismatch`, `state/not-storable` */
  checked(value: unknown, schema = this.declaration.schema): unknown {
    try {
      return storableCopy(validate(schema, value), this.#what);
    } catch (cause) {
      throw poisonError({
        code: "state/mismatch",
        message: `${this.#what} was set to what it cannot hold: ${messageOf(cause)}`,
        cause,
      });
    }
  }

  /** The current key's part. */
  get #key(): string {
    const { keyCode } = this.#scope;
    if (keyCode !== this.#keyCode) {
      this.#keyCode = keyCode;
      this.#part = partKey(keyCode, this.#name);
      this.#space = this.#hasEntries ? spaceOfPart(this.#part) : SINGLE;
      this.#entry = undefined;
    }
    return this.#part;
  }

  /** The key of one of the part's entries, which are in its space. */
  #keyOf(entry: string): string {
    const part = this.#key;
    if (entry !== this.#entry) {
      this.#entry = entry;
      this.#entryKey = entryKey(part, entry);
    }
    return this.#entryKey;
  }

  get #hasEntries(): boolean {
    const { kind } = this.declaration;
    return kind === "list" || kind === "map";
  }

  #put(space: number, key: string, value: unknown, ttl: number): void {
    const before = this.#entries.stored(space, key);
    if (before === undefined) this.#scope.checkRange();
    this.#entries.replace(space, key, before, value, this.#scope.time, ttl);
  }
}

class Value implements ValueCell<unknown> {
  readonly #part: Part;

  constructor(part: Part) {
    this.#part = part;
  }

  get(): unknown {
    return readable(this.#part.getOrInitial());
  }

  set(value: unknown): void {
    this.#part.put(value);
  }

  clear(): void {
    this.#part.clear();
  }
}

class Reducing implements ReducingCell<unknown> {
  readonly #part: Part;

  constructor(part: Part) {
    this.#part = part;
  }

  get(): unknown {
    return readable(this.#part.getOrInitial());
  }

  add(value: unknown): void {
    const before = this.get();
    const reduce = this.#part.declaration.reduce as (a: unknown, b: unknown) => unknown;
    this.#part.put(before === undefined ? value : reduce(before, value));
  }

  clear(): void {
    this.#part.clear();
  }
}

/** The head is the next element's number; an entry is an element under its number. */
class List implements ListCell<unknown> {
  readonly #part: Part;

  constructor(part: Part) {
    this.#part = part;
  }

  get(): readonly unknown[] {
    const elements = this.#part.entries().map(([entry, value]) => [Number(entry), value] as const);
    return elements.sort(([a], [b]) => a - b).map(([, value]) => readable(value));
  }

  append(element: unknown): void {
    const next = (this.#part.head ?? 0) as number;
    this.#part.putEntry(String(next), element);
    this.#part.head = next + 1;
  }

  set(elements: readonly unknown[]): void {
    const copies = [...elements];
    this.clear();
    for (const element of copies) this.append(element);
  }

  clear(): void {
    this.#part.clear();
  }
}

/** What errors and codes call an entry's key. */
const KEY = "key";

class MapEntries implements MapCell<KeyValue, unknown> {
  readonly #part: Part;

  constructor(part: Part) {
    this.#part = part;
  }

  get(key: KeyValue): unknown {
    return readable(this.#part.getEntry(encodeField(KEY, key)));
  }

  has(key: KeyValue): boolean {
    return this.#part.getEntry(encodeField(KEY, key)) !== undefined;
  }

  set(key: KeyValue, value: unknown): void {
    const checked = this.#part.checked(key, this.#part.declaration.keySchema);
    this.#part.putEntry(encodeField(KEY, checked as KeyValue), value);
  }

  delete(key: KeyValue): void {
    this.#part.removeEntry(encodeField(KEY, key));
  }

  entries(): readonly (readonly [KeyValue, unknown])[] {
    const entries = this.#part.entries().toSorted(([a], [b]) => (a < b ? -1 : 1));
    return entries.map(([entry, value]) => [decodeField(entry), readable(value)] as const);
  }

  keys(): readonly KeyValue[] {
    return this.entries().map(([key]) => key);
  }

  clear(): void {
    this.#part.clear();
  }
}
