import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import type { Item } from "../../../lib/dynamodb/attributes.ts";
import { TASK_ITEM_EPOCH } from "../../../lib/dynamodb/items.ts";
import type { World } from "./world.ts";

/** What to change, as numbers that are taken modulo what there is: so that any of them means something, and shrinks. */
export interface Mutation {
  readonly what: "object" | "item";
  readonly which: number;
  readonly where: number;
  readonly how: number;
  readonly value: number;
}

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  what: fc.constantFrom("object", "item"),
  which: fc.nat(),
  where: fc.nat(),
  how: fc.nat(),
  value: fc.nat(),
});

const pick = <T>(values: readonly T[], n: number): T => values[n % values.length]!;

/** Bytes with a bit or byte changed, cut, grown, or others altogether. */
export function mutatedBytes(bytes: Uint8Array, { where, how, value }: Omit<Mutation, "what" | "which">): Uint8Array {
  const at = where % Math.max(1, bytes.length);
  const changed = new Uint8Array(bytes);
  switch (how % 8) {
    case 0:
    case 1:
      changed[at]! ^= 1 << (value % 8);
      return changed;
    case 2:
      changed[at] = value % 256;
      return changed;
    case 3:
      return changed.slice(0, at);
    case 4:
      return Buffer.concat([changed, Buffer.from(String(value))]);
    case 5:
      return Buffer.concat([changed.subarray(0, at), changed.subarray(at + 1 + (value % 16))]);
    case 6:
      return changed.fill(value % 256, at, at + 1 + (value % 64));
    default:
      return Buffer.from(String(value).repeat(value % 9));
  }
}

/** Changes something that is stored. The keys of items are no part of them, and no item vanishes. */
export function mutate(world: World, mutation: Mutation): void {
  const objects = [...world.rig.objects.objects];
  if (mutation.what === "object" && objects.length > 0) {
    const [key, bytes] = pick(objects, mutation.which);
    if (mutation.how % 11 === 9) world.rig.objects.objects.delete(key);
    else if (mutation.how % 11 === 10) world.rig.objects.objects.set(key, pick(objects, mutation.value)[1]);
    else world.rig.objects.objects.set(key, mutatedBytes(bytes, mutation));
    return;
  }
  const items = [...world.table.items.values()];
  // The task item is one of many, and has as much to damage.
  const item = mutation.which % 4 === 0 ? items.find(isTaskItem) : pick(items, mutation.which);
  if (item === undefined) return;
  if (mutation.how % 23 === 22 && !isTaskItem(item)) {
    const { task: _task, epoch: _epoch, ...content } = pick(items, mutation.value);
    for (const name of Object.keys(item)) if (name !== "task" && name !== "epoch") delete item[name];
    Object.assign(item, structuredClone(content));
    return;
  }
  mutateAttribute(item, mutation);
}

const isTaskItem = (item: Item): boolean => Number(item["epoch"]!.N) === TASK_ITEM_EPOCH;

function mutateAttribute(item: Item, { where, how, value }: Mutation): void {
  const names = Object.keys(item).filter((name) => name !== "task" && name !== "epoch");
  if (names.length === 0) return;
  const name = pick(names, where);
  if (how % 5 === 0) delete item[name];
  else item[name] = mutatedValue(item[name]!, { where, how, value });
}

type Change = Omit<Mutation, "what" | "which">;

function mutatedValue(attribute: AttributeValue, change: Change): AttributeValue {
  const { where, how, value } = change;
  if (how % 5 === 1) {
    const others: AttributeValue[] = [{ S: String(value) }, { N: String(value % 9) }, { BOOL: true }, { NULL: true }];
    return pick([...others, { B: Buffer.from([value % 256]) }, { L: [] }, { M: {} }, { SS: [String(value)] }], where);
  }
  if (attribute.N !== undefined) return { N: mutatedNumber(attribute.N, value) };
  if (attribute.B !== undefined) return { B: mutatedBytes(attribute.B, change) };
  if (attribute.SS !== undefined) return { SS: [...attribute.SS, String(value)] };
  if (attribute.L !== undefined) {
    const list = [...attribute.L];
    const at = where % Math.max(1, list.length);
    if (how % 7 === 0) list.splice(at, 1);
    else if (how % 7 === 1) list.push({ N: String(value) });
    else if (list[at] !== undefined) list[at] = mutatedValue(list[at], { where: value, how: how >> 2, value: where });
    return { L: list };
  }
  if (attribute.S !== undefined) return { S: mutatedText(attribute.S, change) };
  return { NULL: true };
}

const mutatedNumber = (text: string, value: number): string =>
  pick(
    [
      String(Number(text) + 1),
      String(Number(text) - 1),
      ...["0", "-1", "1.5", "9007199254740993", "1e125", "abc", "", String(value)],
    ],
    value,
  );

function mutatedText(text: string, { where, how, value }: Change): string {
  const fields = how % 2 === 0 ? objectIn(text) : undefined;
  if (fields !== undefined) {
    const name = pick(Object.keys(fields), where);
    const other =
      typeof fields[name] === "number" ? [fields[name] + 1, fields[name] - 1] : [`${String(fields[name])}x`];
    fields[name] = pick([...other, null, value, "", [], {}], value);
    return JSON.stringify(fields);
  }
  return Buffer.from(mutatedBytes(Buffer.from(text), { where, how: how >> 1, value })).toString("latin1");
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && Object.keys(value).length > 0
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
