/** Parses an event's text as JSON.parse does. @param parse what JSON.parse is */
export type EventParser = (text: string, parse: (text: string) => unknown) => unknown;

/** How texts of events begin that a parser is asked about. */
const OPENS = '{"Records":[{';

let parser: EventParser | undefined = undefined;
let isInstalled = false;

/**
 * Has a parser parse the events that Lambda's runtime gives to the handler.
 *
 * The runtime parses an event before a handler begins, which of an event with a thousand small records takes as long as their
 * payloads do. It calls JSON.parse for it, as anybody does, and there is no other place where an event's text can be had. So
 * JSON.parse is replaced. It gives what it gave before, for all texts: what a parser puts off is parsed when it is looked at.
 * Where JSON.parse cannot be replaced, or the runtime does not call it, events come parsed, as ever.
 */
export function parseEventsWith(eventParser: EventParser): void {
  parser = eventParser;
  if (isInstalled) return;
  const { parse } = JSON;
  const whole = (text: string): unknown => parse(text);
  isInstalled = Reflect.set(JSON, "parse", (text: string, reviver?: Parameters<typeof parse>[1]): unknown =>
    parser !== undefined && reviver === undefined && typeof text === "string" && text.startsWith(OPENS)
      ? parser(text, whole)
      : parse(text, reviver),
  );
}
