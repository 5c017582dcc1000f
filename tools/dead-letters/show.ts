import { messageOf } from "../../lib/errors.ts";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";
import { wholeLetter } from "../../lib/runtime/redrive.ts";
import { decodeBody } from "../../lib/state/codec.ts";
import { MAX_INSTANT } from "../../lib/time/instant.ts";
import type { ObjectStore } from "../../lib/state/object-store.ts";
import { elementsIn } from "./element.ts";
import type { LetterQueue, ReceivedLetter } from "./letter-queue.ts";
import { READ_RATE } from "./list.ts";

/** The message of a letter; nothing when it is not to be found. What was read on the way is given back. */
export async function findLetter(queue: LetterQueue, id: string): Promise<ReceivedLetter | undefined> {
  try {
    for await (const messages of queue.read(READ_RATE)) {
      const found = messages.find(({ letter }) => letter?.id === id);
      if (found !== undefined) return found;
    }
    return undefined;
  } finally {
    await queue.giveBack();
  }
}

/** Everything a letter says, its payload as text where it is text. */
export async function describeLetter(
  { letter: queued, sentAt }: ReceivedLetter,
  objects: Pick<ObjectStore, "get">,
): Promise<string> {
  const { payload, unit, output, ...rest } = await wholeLetter(queued!, objects);
  const facts: Record<string, unknown> = {
    ...rest,
    when: new Date(sentAt).toISOString(),
    ...(rest.arrival === undefined ? {} : { arrival: new Date(rest.arrival).toISOString() }),
    ...(queued!.whole === undefined ? {} : { whole: `s3://${queued!.whole.bucket}/${queued!.whole.key}` }),
    ...(unit === undefined ? {} : { unit: describeUnit(rest.id, unit) }),
    ...(output === undefined ? {} : { output: { ...output, body: undefined } }),
  };
  const lines = [json(facts)];
  if (payload !== undefined) lines.push("", ...describedPayload(Buffer.from(payload, "base64")));
  if (output !== undefined) lines.push("", ...described("output", Buffer.from(output.body)));
  return lines.join("\n");
}

/** A source's record as it came; of what stages send to each other the value, and what it is filed under. */
function describedPayload(payload: Buffer): string[] {
  const elements = elementsIn(payload);
  if (elements === undefined) return described("payload", payload);
  return elements.flatMap(({ sent, entry, key, time, value }) => [
    `sent by ${sent} through ${entry}`,
    json({ key, time: timeText(time), value }),
  ]);
}

/** Bytes as JSON, as text or as base64: whichever they are first. */
function described(what: string, bytes: Buffer): string[] {
  const text = bytes.toString("utf8");
  if (!Buffer.from(text).equals(bytes))
    return [`${what}: ${bytes.length} bytes that are no text, in base64`, bytes.toString("base64")];
  try {
    return [`${what}: ${bytes.length} bytes of JSON`, json(JSON.parse(text))];
  } catch {
    // As a JSON string: control characters would move a terminal's cursor.
    return [`${what}: ${bytes.length} bytes of text`, JSON.stringify(text)];
  }
}

function describeUnit(id: string, { about, codec, content, ...rest }: NonNullable<DeadLetter["unit"]>) {
  const facts = Object.fromEntries(
    Object.entries(about).map(([name, value]) => [name, TIMES.has(name) ? timeText(value) : value]),
  );
  try {
    return { ...rest, about: facts, content: decodeBody(Buffer.from(content, "base64"), codec, `Dead letter ${id}`) };
  } catch (cause) {
    return { ...rest, about: facts, codec, content, unreadable: messageOf(cause) };
  }
}

/** What of a unit is epoch milliseconds. */
const TIMES = new Set(["start", "end", "time"]);

const timeText = (value: string | number) =>
  typeof value === "number" && Math.abs(value) <= MAX_INSTANT ? new Date(value).toISOString() : value;

const json = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner), 2);
