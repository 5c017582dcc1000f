/** Makes an object with certain fields, in their order, of as many values. */
export type ObjectMaker = (values: readonly unknown[]) => Record<string, unknown>;

/** Fields that are put into code: nothing but a name can be one of these, and an object has it for its own. */
const PLAIN_FIELD = /^(?!__proto__$)[A-Za-z_$][\w$]{0,63}$/;

/** An object with more fields is not made by a literal. */
const MOST_FIELDS = 64;

/**
 * An object that gets its fields one after the other, by names that are not known when the program is written, takes many
 * times as long as a literal: so the literal is written here. Only plain names get into it.
 */
export function objectMaker(fields: readonly string[]): ObjectMaker {
  if (fields.length > MOST_FIELDS || !fields.every((field) => PLAIN_FIELD.test(field))) return slowly(fields);
  try {
    const literal = fields.map((field, i) => `${field}: values[${i}]`).join(", ");
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- of plain names alone
    return new Function("values", `return { ${literal} };`) as ObjectMaker;
  } catch {
    return slowly(fields); // Node was told to make no code of texts
  }
}

const slowly =
  (fields: readonly string[]): ObjectMaker =>
  (values) =>
    Object.fromEntries(fields.map((field, i) => [field, values[i]]));
