import type { Printer } from "../../localstack/start/print.ts";
import { instant, whole } from "../../localstack/start/print.ts";
import type { LetterQueue, ReceivedLetter } from "./letter-queue.ts";

/** Letters that are only looked at, a second. */
export const READ_RATE = 100;

export interface ListedLetters {
  /** Each letter once, the oldest first. */
  readonly letters: readonly (ReceivedLetter & { readonly letter: NonNullable<ReceivedLetter["letter"]> })[];
  /** Messages that are no dead letters. */
  readonly unreadable: number;
  /** Messages that another reader hides at the moment. */
  readonly hidden: number;
}

/** Reads the whole queue, and gives all of it back. */
export async function readLetters(queue: LetterQueue, isOver: () => boolean): Promise<ListedLetters> {
  const letters = new Map<string, ListedLetters["letters"][number]>();
  let unreadable = 0;
  try {
    for await (const messages of queue.read(READ_RATE)) {
      for (const message of messages) {
        const { letter } = message;
        if (letter === undefined) unreadable++;
        else if (!letters.has(letter.id)) letters.set(letter.id, { ...message, letter });
      }
      if (isOver()) break;
    }
    const hidden = await queue.hiddenByOthers();
    return { letters: [...letters.values()].sort((a, b) => a.sentAt - b.sentAt), unreadable, hidden };
  } finally {
    await queue.giveBack();
  }
}

export function printTable({ letters, unreadable, hidden }: ListedLetters, printer: Printer): void {
  if (letters.length === 0) printer.line("No dead letters.");
  else {
    printer.table(
      ["when (UTC)", "kind", "operator", "reason", "id"],
      letters.map(({ sentAt, letter: { id, operator, kind, reason } }) => [
        instant(sentAt),
        kind,
        operator,
        reason.code,
        id,
      ]),
    );
    const reasons = new Map<string, number>();
    for (const { letter } of letters) reasons.set(letter.reason.code, (reasons.get(letter.reason.code) ?? 0) + 1);
    printer.line();
    printer.table(
      ["reason", "letters"],
      [...reasons].sort(([, a], [, b]) => b - a).map(([code, count]) => [code, whole(count)]),
    );
  }
  if (unreadable > 0) printer.line(`Messages that are no dead letters: ${whole(unreadable)}.`);
  if (hidden > 0) printer.line(`About ${whole(hidden)} more are hidden by another reader; look again later.`);
}

/** What a program reads: all but what the letters hold. */
export const listedJson = ({ letters }: ListedLetters): string =>
  JSON.stringify(
    letters.map(({ sentAt, letter }) => {
      const { payload: _payload, output: _output, unit, ...rest } = letter;
      const { content: _content, ...frame } = unit ?? {};
      return { ...rest, ...(unit && { unit: frame }), when: new Date(sentAt).toISOString() };
    }),
    undefined,
    2,
  );
