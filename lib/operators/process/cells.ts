import { messageOf, poisonError } from "../../errors.ts";
import { validate } from "../../schema.ts";
import { entryKey, SINGLE, spaceOfPart } from "../../state/entry-key.ts";
import { decodeKey, encodeKey, type KeyValue } from "../../state/key.ts";
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
  readonly #entries: ExpiringEntries;
  readonly #scope: CellScope;
  readonly declaration: CellDeclaration;

  constructor(name: string, declaration: CellDeclaration, entries: ExpiringEntries, scope: CellScope) {
    this.#name = name;
    this.declaration = declaration;
    this.#entries = entries;
    this.#scope = scope;
  }

  get(): unknown {
    return this.#entries.get(SINGLE, this.#scope.partKey(this.#name), this.#scope.clock);
  }

  getOrInitial(): unknown {
    const stored = this.get();
    return stored === undefined ? this.declaration.initial : stored; // null is a value
  }

  put(value: unknown): void {
    this.#put(SINGLE, this.#scope.partKey(this.#name), this.checked(value), this.declaration.ttl);
  }

  getEntry(entry: string): unknown {
    const part = this.#scope.partKey(this.#name);
    return this.#entries.get(spaceOfPart(part), entryKey(part, entry), this.#scope.clock);
  }

  putEntry(entry: string, value: unknown): void {
    const part = this.#scope.partKey(this.#name);
    this.#put(spaceOfPart(part), entryKey(part, entry), this.checked(value), this.declaration.ttl);
  }

  removeEntry(entry: string): void {
    const part = this.#scope.partKey(this.#name);
    this.#entries.remove(spaceOfPart(part), entryKey(part, entry));
  }

  /** All entries that are seen, in no order. */
  entries(): readonly (readonly [entry: string, value: unknown])[] {
    return this.#entries.entriesOf(this.#scope.partKey(this.#name), this.#scope.clock);
  }

  /** What a part with entries knows beside them: it lives as long as any of them. */
  get head(): unknown {
    return this.#entries.get(SINGLE, this.#scope.partKey(this.#name), Number.NEGATIVE_INFINITY);
  }

  set head(value: unknown) {
    this.#put(SINGLE, this.#scope.partKey(this.#name), value, Number.POSITIVE_INFINITY);
  }

  clear(): void {
    const part = this.#scope.partKey(this.#name);
    if (this.declaration.kind === "list" || this.declaration.kind === "map") this.#entries.removePart(part);
    else this.#entries.remove(SINGLE, part);
  }

  /** @throws poison errors `state/mismatch`, `state/not-storable` */
  checked(value: unknown, schema = this.declaration.schema): unknown {
    const what = `State "${this.#name}" of operator "${this.#scope.operator}"`;
    try {
      return storableCopy(validate(schema, value), what);
    } catch (cause) {
      throw poisonError({
        code: "state/mismatch",
        message: `${what} was set to what it cannot hold: ${messageOf(cause)}`,
        cause,
      });
    }
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

const KEY = ["key"];

class MapEntries implements MapCell<KeyValue, unknown> {
  readonly #part: Part;

  constructor(part: Part) {
    this.#part = part;
  }

  get(key: KeyValue): unknown {
    return readable(this.#part.getEntry(encodeKey({ key })));
  }

  has(key: KeyValue): boolean {
    return this.#part.getEntry(encodeKey({ key })) !== undefined;
  }

  set(key: KeyValue, value: unknown): void {
    const checked = this.#part.checked(key, this.#part.declaration.keySchema);
    this.#part.putEntry(encodeKey({ key: checked as KeyValue }), value);
  }

  delete(key: KeyValue): void {
    this.#part.removeEntry(encodeKey({ key }));
  }

  entries(): readonly (readonly [KeyValue, unknown])[] {
    const entries = this.#part.entries().toSorted(([a], [b]) => (a < b ? -1 : 1));
    return entries.map(([entry, value]) => [decodeKey(KEY, entry)["key"]!, readable(value)] as const);
  }

  keys(): readonly KeyValue[] {
    return this.entries().map(([key]) => key);
  }

  clear(): void {
    this.#part.clear();
  }
}
