/** What JSON has between quotation marks as it is. Of other texts some are, too. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** Of a longer text it takes as long to look through it. */
const SHORT = 64;

/** A text as JSON. */
export const quoted = (text: string): string =>
  text.length <= SHORT && PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
