import { textOf, type Json } from "./row-schema.ts";

/** Digits of a log position: as many as 64 bits need. */
const DIGITS = 20;

/** Where an event lies in its database's log, as a text that sorts in the log's order; undefined where it is not known how. */
export function logPosition(source: Json): string | undefined {
  switch (source["connector"]) {
    case "postgresql":
      return postgres(source);
    case "mysql":
    case "mariadb":
      return binlog(source);
    case "mongodb":
      return oplog(source);
    default:
      return undefined;
  }
}

/** Transactions come in the order of their commits, and their changes lie between those of others: first the last commit's place. */
function postgres({ lsn, sequence }: Json): string | undefined {
  let commit: unknown;
  let own: unknown = lsn;
  if (typeof sequence === "string") {
    try {
      const told: unknown = JSON.parse(sequence);
      // As texts they are exact, where a number of 64 bits is not.
      if (Array.isArray(told)) [commit, own] = [told[0] as unknown, (told[1] as unknown) ?? lsn];
    } catch {
      // A sequence of another shape: the LSN alone.
    }
  }
  return joined([commit ?? 0, own]);
}

/** `mysql-bin.000003`, 484 and the row of the event: the files' numbers rise, and may get longer. */
function binlog({ file, pos, row }: Json): string | undefined {
  const parts = typeof file === "string" ? /^(.*\.)(\d+)$/.exec(file) : null;
  const place = parts === null ? undefined : joined([parts[2], pos, row ?? 0]);
  return place === undefined ? undefined : `${parts![1]}${place}`;
}

/** The time of an entry of the oplog, its number in that second, and in its transaction. */
const oplog = ({ ts_ms: time, ord, tord }: Json): string | undefined => joined([time, ord, tord ?? 0]);

function joined(numbers: readonly unknown[]): string | undefined {
  const texts = numbers.map(textOf);
  if (!texts.every((text): text is string => text !== undefined && /^\d{1,20}$/.test(text))) return undefined;
  return texts.map((text) => text.padStart(DIGITS, "0")).join(":");
}
