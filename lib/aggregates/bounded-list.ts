/**
 * Sorted lists of no more than a number of entries. Entries that are equal keep their order: the list's before the one
 * that is added, the first list's before the second's.
 */
export type Compare<E> = (a: E, b: E) => number;

export function insert<E>(list: readonly E[], entry: E, compare: Compare<E>, most: number): readonly E[] {
  let at = list.length;
  while (at > 0 && compare(entry, list[at - 1]!) < 0) at--;
  if (at >= most) return list;
  return [...list.slice(0, at), entry, ...list.slice(at, most - 1)];
}

export function mergeLists<E>(a: readonly E[], b: readonly E[], compare: Compare<E>, most: number): readonly E[] {
  if (b.length === 0) return a;
  if (a.length === 0) return b;
  const merged: E[] = [];
  let [i, j] = [0, 0];
  while (merged.length < most && (i < a.length || j < b.length)) {
    const fromA = j === b.length || (i < a.length && compare(a[i]!, b[j]!) <= 0);
    merged.push(fromA ? a[i++]! : b[j++]!);
  }
  return merged;
}

export const isSorted = <E>(list: readonly E[], compare: Compare<E>): boolean =>
  list.every((entry, i) => i === 0 || compare(list[i - 1]!, entry) <= 0);
