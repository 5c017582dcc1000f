import { definitionError, messageOf } from "../../errors.ts";
import type { SourceDeclaration } from "../../pipeline/source.ts";
import { validate } from "../../schema.ts";
import { partitionKeyOf, type KeyValue } from "../../state/key.ts";

/** Of records that become dead letters before anyone asks for their key. */
const NO_KEY = "no key";

/** A record as a producer puts it: JSON. @throws definition error `driver/no-json` */
export function producedJson(source: string, record: unknown): string {
  let json: string | undefined;
  let problem = "it is undefined";
  try {
    json = JSON.stringify(record);
  } catch (thrown) {
    problem = messageOf(thrown);
  }
  if (json !== undefined) return json;
  throw definitionError({
    code: "driver/no-json",
    message: `push("${source}"): the record cannot be written as JSON: ${problem}.`,
    advice: "Give it as producers send it: a bigint as a number or a text, a Date as a text.",
  });
}

/** The partition key that a producer gives to a record. @param n how many records came before it */
export function producedKey({ key, schema }: SourceDeclaration, json: string, n: number): string {
  const fields = Object.entries(key) as unknown as [string, (value: unknown) => KeyValue][];
  if (fields.length === 0) return `record ${n}`; // any will do
  try {
    const value = validate(schema, JSON.parse(json));
    return partitionKeyOf(Object.fromEntries(fields.map(([field, take]) => [field, take(value)])));
  } catch {
    return NO_KEY; // what is wrong with it is found again when it is read
  }
}
