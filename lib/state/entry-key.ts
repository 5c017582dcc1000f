/**
 * Keys of the tables that hold a key's state in parts: the key's code (`encodeKey`), the part's name, and, where a part
 * has many entries, which of them. The code's length comes first, so that any text can be a code.
 */

/** What a part's keys begin with, or its own key when it has one entry only. */
export const partKey = (keyCode: string, part: string): string => `${keyCode.length} ${keyCode} ${part}`;

/** The key of one of a part's many entries. */
export const entryKey = (part: string, entry: string): string => `${part} ${entry}`;

/** The code of the key whose state it is. */
export function keyCodeIn(key: string): string {
  const start = key.indexOf(" ") + 1;
  return key.slice(start, start + Number(key.slice(0, start - 1)));
}

/** The part's name, and the entry's; none for a part that is one entry. */
export function partIn(key: string): { readonly part: string; readonly entry: string | undefined } {
  const start = key.indexOf(" ") + 1;
  const name = start + Number(key.slice(0, start - 1)) + 1;
  const end = key.indexOf(" ", name);
  if (end < 0) return { part: key.slice(name), entry: undefined };
  return { part: key.slice(name, end), entry: key.slice(end + 1) };
}

/**
 * The space that a part's entries share, so that they are found together: FNV-1a of what their keys begin with. Other
 * parts may share it too.
 *
 * G. Fowler, L. C. Noll, K.-P. Vo: the FNV non-cryptographic hash algorithm, 32 bits.
 */
export function spaceOfPart(part: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < part.length; i++) hash = Math.imul(hash ^ part.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The space of parts that are one entry. */
export const SINGLE = 0;

/** The space that a key's entry is in. */
export function spaceOf(key: string): number {
  const { entry } = partIn(key);
  return entry === undefined ? SINGLE : spaceOfPart(key.slice(0, -entry.length - 1));
}
