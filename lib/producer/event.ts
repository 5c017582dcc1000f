import { poisonError } from "../errors.ts";
import type { SourceDeclaration } from "../pipeline/source.ts";
import { validate } from "../schema.ts";
import { encodeKey, partitionKeyOf, type KeyValue } from "../state/key.ts";

/** An event as the stream has it: its JSON text, and what it is routed by, if it has a key. */
export type EventReader = (event: unknown) => { readonly text: Buffer; readonly partitionKey: string | undefined };

/** Reads events as the source's pipeline will: what it would refuse is refused here. */
export function eventReader(source: SourceDeclaration): EventReader {
  const keyOf = Object.entries(source.key) as [string, (value: unknown) => KeyValue][];
  return (event) => {
    const text = JSON.stringify(event) as string | undefined;
    if (text === undefined) {
      throw poisonError({
        code: "producer/not-json",
        message: `An event is ${typeof event}, which JSON does not have.`,
      });
    }
    // What the pipeline gets is the text, not the value: a Date, say, is a string there.
    const value = validate(source.schema, JSON.parse(text));
    if (keyOf.length === 0) return { text: Buffer.from(text), partitionKey: undefined };
    const key: Record<string, KeyValue> = {};
    for (const [field, take] of keyOf) key[field] = take(value);
    encodeKey(key); // refuses what is no key
    return { text: Buffer.from(text), partitionKey: partitionKeyOf(key) };
  };
}
