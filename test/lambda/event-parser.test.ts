import { afterEach, expect, test, vi } from "vitest";

const { parse } = JSON;
afterEach(() => {
  JSON.parse = parse;
  vi.resetModules();
});

const fresh = async () => (await import("../../lib/lambda/event-parser.ts")).parseEventsWith;

const EVENT = '{"Records":[{"kinesis":{}}]}';

test("the parser is asked about all texts", async () => {
  const parseEventsWith = await fresh();
  const asked: string[] = [];
  parseEventsWith((text, whole) => {
    asked.push(text);
    return whole(text);
  });
  for (const text of [EVENT, `${EVENT}x`, ` ${EVENT}`, '{"Records":[]}', "1", ""]) {
    const expected = outcome(() => parse(text));
    expect(outcome(() => JSON.parse(text))).toEqual(expected);
  }
  expect(asked).toHaveLength(6);
  expect([JSON.parse.name, JSON.parse.length]).toEqual(["parse", 2]);
});

test("JSON.parse is what it was for all else", async () => {
  const parseEventsWith = await fresh();
  parseEventsWith(() => "the parser's");
  expect(JSON.parse(EVENT, (_, value: unknown) => value)).toEqual(parse(EVENT));
  expect(JSON.parse("[1,2]", (key, value: unknown) => (key === "0" ? 7 : value))).toEqual([7, 2]);
  expect(JSON.parse(Buffer.from("[1]") as unknown as string)).toEqual([1]);
  expect(JSON.parse(null as unknown as string)).toBeNull();
  expect(JSON.parse(EVENT)).toBe("the parser's");
});

test("the last parser is asked; JSON.parse is replaced once", async () => {
  const parseEventsWith = await fresh();
  parseEventsWith(() => "first");
  const replaced = JSON.parse;
  parseEventsWith(() => "second");
  expect(JSON.parse).toBe(replaced);
  expect(JSON.parse(EVENT)).toBe("second");
});

test("where JSON.parse cannot be replaced events come parsed", async () => {
  const parseEventsWith = await fresh();
  const real = JSON;
  vi.stubGlobal("JSON", Object.freeze({ parse, stringify: JSON.stringify }));
  try {
    parseEventsWith(() => "the parser's");
    expect(JSON.parse(EVENT)).toEqual({ Records: [{ kinesis: {} }] });
  } finally {
    vi.stubGlobal("JSON", real);
  }
});

function outcome(make: () => unknown): unknown {
  try {
    return { value: make() };
  } catch (thrown) {
    return { error: String(thrown) };
  }
}
