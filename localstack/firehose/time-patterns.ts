/** A field of the date patterns that Hive and Firehose share (letters as in Java). */
const field = /^(yyyy|YYYY|MM|dd|HH|mm|ss|S+)$/;

/** Pieces of a pattern: a field's letters, or literal text. */
function pieces(pattern: string): readonly { readonly field: boolean; readonly text: string }[] {
  const tokens = pattern.match(/'[^']*'|yyyy|YYYY|MM|dd|HH|mm|ss|S+|[^']/g) ?? [];
  return tokens.map((token) =>
    token.startsWith("'")
      ? { field: false, text: token === "''" ? "'" : token.slice(1, -1) }
      : { field: field.test(token), text: token },
  );
}

/** The time written by the pattern, in UTC. */
export function formatTime(pattern: string, millis: number): string {
  const date = new Date(millis);
  const two = (value: number) => String(value).padStart(2, "0");
  return pieces(pattern)
    .map(({ field, text }) => {
      if (!field) return text;
      if (text.startsWith("S")) return String(date.getUTCMilliseconds()).padStart(3, "0").slice(0, text.length);
      const values: Readonly<Record<string, string>> = {
        yyyy: String(date.getUTCFullYear()).padStart(4, "0"),
        YYYY: String(date.getUTCFullYear()).padStart(4, "0"),
        MM: two(date.getUTCMonth() + 1),
        dd: two(date.getUTCDate()),
        HH: two(date.getUTCHours()),
        mm: two(date.getUTCMinutes()),
        ss: two(date.getUTCSeconds()),
      };
      return values[text] ?? text;
    })
    .join("");
}

/** Epoch milliseconds of a text in this pattern, in UTC; undefined if it is not in it. */
export function parseTime(pattern: string, text: string): number | undefined {
  const found: Record<string, number> = {};
  let rest = text;
  for (const piece of pieces(pattern)) {
    const taken = piece.field ? new RegExp(`^[0-9]{${piece.text.length}}`).exec(rest)?.[0] : piece.text;
    if (taken === undefined || !rest.startsWith(taken)) return undefined;
    rest = rest.slice(taken.length);
    if (!piece.field) continue;
    if (piece.text.startsWith("S")) found["S"] = Number(taken.padEnd(3, "0").slice(0, 3));
    else found[piece.text.replace("YYYY", "yyyy")] = Number(taken);
  }
  if (rest !== "") return undefined;
  const { yyyy = 1970, MM = 1, dd = 1, HH = 0, mm = 0, ss = 0, S = 0 } = found;
  const millis = Date.UTC(yyyy, MM - 1, dd, HH, mm, ss, S);
  const date = new Date(millis);
  return date.getUTCMonth() + 1 === MM && date.getUTCDate() === dd && HH < 24 && mm < 60 && ss < 60
    ? millis
    : undefined;
}

/** `yyyy-MM-dd HH:mm:ss` with up to nine digits of a second: what both SerDes take without being told. */
export function parseSqlTimestamp(text: string): number | undefined {
  const [whole = "", fraction = ""] = text.split(".");
  if (fraction !== "" && !/^[0-9]{1,9}$/.test(fraction)) return undefined;
  const seconds = parseTime("yyyy-MM-dd HH:mm:ss", whole);
  return seconds === undefined ? undefined : seconds + Number(fraction.padEnd(3, "0").slice(0, 3));
}
