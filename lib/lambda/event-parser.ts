/** Parses a text as JSON.parse does. @param parse what JSON.parse is */
export type EventParser = (text: string, parse: (text: string) => unknown) => unknown;

let parser: EventParser | undefined = undefined;
let isInstalled = false;

/**
 * Has a parser parse the events that Lambda's runtime gives to the handler.
 *
 * The runtime parses an event before a handler begins, which of an event with a thousand small records takes longer than their
 * payloads do. It calls JSON.parse for it, as anybody does, and there is no other place where an event's text can be had. So
 * JSON.parse is replaced, and the parser is asked about all that anybody parses: it must give what JSON.parse gives, and may put off
 * what nobody looks at. Where JSON.parse cannot be replaced, or the runtime does not call it, events come parsed, as ever.
 */
export function parseEventsWith(eventParser: EventParser): void {
  parser = eventParser;
  if (isInstalled) return;
  const { parse: original } = JSON;
  const whole = (text: string): unknown => original(text);
  isInstalled = Reflect.set(
    JSON,
    "parse",
    function parse(text: string, reviver?: Parameters<typeof original>[1]): unknown {
      if (parser === undefined || reviver !== undefined || typeof text !== "string") return original(text, reviver);
      return parser(text, whole);
    },
  );
}
