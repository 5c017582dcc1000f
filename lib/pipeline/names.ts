import { definitionError } from "../errors.ts";

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const FIELD = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const RESERVED = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Checks a name that addresses something outside the program: state, a stream, a table.
 *
 * @throws definition error `name/invalid`
 */
export function checkName(what: string, name: string): string {
  if (typeof name === "string" && NAME.test(name) && !RESERVED.has(name)) return name;
  throw definitionError({
    code: "name/invalid",
    message: `${what} cannot be named ${JSON.stringify(name)}.`,
    advice: "Names begin with a letter and have at most 64 letters, digits, - and _.",
  });
}

/** Checks a field's name: of a key, an aggregate, a column. @throws definition error `name/invalid` */
export function checkField(what: string, name: string): string {
  if (FIELD.test(name) && !RESERVED.has(name)) return name;
  throw definitionError({
    code: "name/invalid",
    message: `${what} cannot have a field named ${JSON.stringify(name)}.`,
    advice: "Fields are identifiers of letters, digits and _, and not __proto__, constructor or prototype.",
  });
}
