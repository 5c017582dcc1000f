import type { SourceDeclaration } from "../pipeline/source.ts";
import { encodeKey, partitionKeyOf, type KeyValue, type KeyValues } from "../state/key.ts";

/** A record's key. */
export interface ReadKey {
  readonly key: KeyValues;
  /** The key as one string (`encodeKey`). */
  readonly keyCode: string;
  /** Its canonical text (`partitionKeyOf`). */
  readonly text: string;
}

/** Keys that are remembered: then all are forgotten. */
const MOST_KEYS = 10_000;

/**
 * Takes keys out of a source's records. Of keys with one field those that came lately are remembered, as objects that nobody
 * can change. User code: throws what it throws, and poison errors `key/value`.
 *
 * @returns nothing for a source without a key
 */
export function keyReader({ key: spec }: Pick<SourceDeclaration, "key">): ((value: unknown) => ReadKey) | undefined {
  const fields = Object.entries(spec) as [string, (value: unknown) => KeyValue][];
  if (fields.length === 0) return undefined;
  const [[field, take]] = fields as [(typeof fields)[0]];
  if (fields.length > 1) return (value) => readKey(Object.fromEntries(fields.map(([name, of]) => [name, of(value)])));
  const known = new Map<KeyValue, ReadKey>();
  return (value) => {
    const taken = take(value);
    let read = known.get(taken);
    if (read === undefined) {
      read = readKey(Object.freeze({ [field]: taken }));
      if (known.size === MOST_KEYS) known.clear();
      known.set(taken, read);
    }
    return read;
  };
}

const readKey = (key: KeyValues): ReadKey => ({ key, keyCode: encodeKey(key), text: partitionKeyOf(key) });
