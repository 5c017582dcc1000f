import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { describe, expect, it } from "vitest";
import type { Column, SerDe } from "./columns.ts";
import { convertRecords, type ParquetCompression } from "./format-conversion.ts";
import { failureKey, deliveryKey, checkPrefixes } from "./object-key.ts";
import { parseTime } from "./time-patterns.ts";

const hive: SerDe = { kind: "hive", timestampFormats: ["millis"] };
const openX: SerDe = { kind: "openx", caseInsensitive: true, jsonKeys: { renamed: "Original-Name" } };

const column = (name: string, type: string): Column => ({ name, type });

async function convert(
  texts: readonly string[],
  columns: readonly Column[],
  serDe = hive,
  compression: ParquetCompression = "SNAPPY",
) {
  const conversion = convertRecords(
    texts.map((text) => Buffer.from(text)),
    { columns, serDe, compression },
  );
  const { parquet } = conversion;
  const file = parquet?.slice().buffer;
  const rows = file === undefined ? [] : await parquetReadObjects({ file, compressors });
  return { rows, rejected: conversion.rejected };
}

describe("Firehose conversion", () => {
  it("writes every column type that pipelines use", async () => {
    const columns = [
      column("s", "string"),
      column("i", "int"),
      column("b", "bigint"),
      column("f", "float"),
      column("d", "double"),
      column("t", "boolean"),
      column("at", "timestamp"),
      column("day", "date"),
      column("m", "decimal(10,2)"),
    ];
    const row = { s: "é", i: -5, b: 7, f: 0.5, d: 1.25, t: true, at: 1_000_000_000_123, day: "2001-02-03", m: 12.5 };
    const { rows } = await convert([JSON.stringify(row)], columns);
    expect(rows).toEqual([
      {
        s: "é",
        i: -5,
        b: 7n,
        f: 0.5,
        d: 1.25,
        t: true,
        at: new Date(1_000_000_000_123),
        day: new Date("2001-02-03"),
        m: 12.5,
      },
    ]);
  });

  it("takes several objects of one record as several rows, with or without lines", async () => {
    const { rows } = await convert(['{"a":1}{"a":2}\n{"a":3}\n', ' {"a":4} '], [column("a", "int")]);
    expect(rows).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }]);
  });

  it("is not misled by braces and escaped quotes in strings", async () => {
    const { rows } = await convert(['{"a":"}{\\"","b":{"c":"}"}}{"a":"\\\\"}'], [column("a", "string")]);
    expect(rows).toEqual([{ a: '}{"' }, { a: "\\" }]);
  });

  for (const [name, text] of Object.entries({
    "a JSON array": '[{"a":1},{"a":2}]',
    "a number": "1",
    "objects with a comma between": '{"a":1},{"a":2}',
    "an object cut off": '{"a":1}{"a":',
    nothing: "",
    "a value that does not fit": '{"a":"x"}',
    "a fraction for an integer": '{"a":1.5}',
    "an integer beyond its type": '{"a":2147483648}',
  })) {
    it(`rejects ${name}, and delivers the records beside it`, async () => {
      const { rows, rejected } = await convert(['{"a":1}', text, '{"a":2}'], [column("a", "int")]);
      expect(rows).toEqual([{ a: 1 }, { a: 2 }]);
      expect(rejected).toMatchObject([{ index: 1, errorCode: "DataFormatConversion.MalformedData" }]);
    });
  }

  it("rejects a record whole when one of its rows does not convert", async () => {
    const { rows, rejected } = await convert(['{"a":1}{"a":"x"}{"a":3}'], [column("a", "int")]);
    expect(rows).toEqual([]);
    expect(rejected).toHaveLength(1);
  });

  it("makes missing columns null and ignores fields without a column", async () => {
    const { rows } = await convert(['{"b":2,"c":3}', '{"a":null,"b":1}'], [column("a", "string"), column("b", "int")]);
    expect(rows).toEqual([
      { a: null, b: 2 },
      { a: null, b: 1 },
    ]);
  });

  it("matches keys to the columns in lower case", async () => {
    const { rows } = await convert(['{"meanDelay":1.5}'], [column("meandelay", "double")]);
    expect(rows).toEqual([{ meandelay: 1.5 }]);
  });

  it("keeps integers that a double cannot hold", async () => {
    const text = '{"a":9007199254740993,"s":"id 12345678901234567890","b":-9223372036854775808}';
    const { rows } = await convert([text], [column("a", "bigint"), column("s", "string"), column("b", "bigint")]);
    expect(rows).toEqual([{ a: 9007199254740993n, s: "id 12345678901234567890", b: -9223372036854775808n }]);
  });

  it("takes no digits of a fraction or an exponent for an integer of their own", async () => {
    const text = '{"a":12.333333333333333333,"b":1e-0000000000000002,"c":9007199254740993}';
    const { rows } = await convert([text], [column("a", "double"), column("b", "double"), column("c", "bigint")]);
    expect(rows).toEqual([{ a: 12.333333333333334, b: 0.01, c: 9007199254740993n }]);
  });

  it("Hive: a number is a timestamp only with the format millis", async () => {
    const { rejected } = await convert(['{"t":1}'], [column("t", "timestamp")], { kind: "hive", timestampFormats: [] });
    expect(rejected).toHaveLength(1);
  });

  it("Hive: a text is a timestamp in SQL's form or one of the given formats", async () => {
    const serDe: SerDe = { kind: "hive", timestampFormats: ["yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"] };
    const { rows, rejected } = await convert(
      ['{"t":"2001-02-03 04:05:06.789"}', '{"t":"2001-02-03T04:05:06.789Z"}', '{"t":"3.2.2001"}'],
      [column("t", "timestamp")],
      serDe,
    );
    expect(rows).toEqual([{ t: new Date("2001-02-03T04:05:06.789Z") }, { t: new Date("2001-02-03T04:05:06.789Z") }]);
    expect(rejected).toHaveLength(1);
  });

  it("Hive does not read numbers out of strings; OpenX does, and maps keys to columns", async () => {
    const columns = [column("a", "int"), column("renamed", "string")];
    const text = '{"a":"5","Original-Name":"n"}';
    expect((await convert([text], columns)).rejected).toHaveLength(1);
    expect((await convert([text], columns, openX)).rows).toEqual([{ a: 5, renamed: "n" }]);
  });

  for (const compression of ["UNCOMPRESSED", "SNAPPY", "GZIP"] as const) {
    it(`writes ${compression}`, async () => {
      const texts = Array.from({ length: 3_000 }, (_, index) => `{"a":${index},"s":"same"}`);
      const { rows } = await convert(texts, [column("a", "int"), column("s", "string")], hive, compression);
      expect(rows).toHaveLength(3_000);
      expect(rows[2_999]).toEqual({ a: 2_999, s: "same" });
    });
  }
});

describe("Firehose object keys", () => {
  const at = Date.UTC(2001, 1, 3, 4, 5, 6);

  it("evaluates timestamp and error type", () => {
    const prefixes = {
      prefix: "data/!{timestamp:yyyy/MM/dd}/h=!{timestamp:HH}/",
      errorPrefix: "errors/!{firehose:error-output-type}/!{timestamp:yyyy-MM-dd}/",
    };
    expect(deliveryKey("s", prefixes, ".parquet", at)).toMatch(
      /^data\/2001\/02\/03\/h=04\/s-1-2001-02-03-04-05-06-[-0-9a-f]+\.parquet$/,
    );
    expect(failureKey("s", prefixes, at)).toMatch(/^errors\/format-conversion-failed\/2001-02-03\/s-1-/);
  });

  it("adds the hour to a prefix without a time, and the error type to one without it", () => {
    const prefixes = { prefix: "data/", errorPrefix: "errors/" };
    expect(deliveryKey("s", prefixes, "", at)).toMatch(/^data\/2001\/02\/03\/04\/s-1-/);
    expect(failureKey("s", prefixes, at)).toMatch(/^errors\/format-conversion-failed\/2001\/02\/03\/04\/s-1-/);
  });

  it("refuses prefixes that Firehose refuses", () => {
    const check = (prefix: string, errorPrefix?: string) => () => {
      checkPrefixes("Delivery", { prefix, errorPrefix });
    };
    expect(check("!{timestamp:yyyy}/")).toThrow("ErrorOutputPrefix must be given");
    expect(check("a/", "!{timestamp:yyyy}/")).toThrow("must contain !{firehose:error-output-type}");
    expect(check("!{firehose:error-output-type}/", "x/")).toThrow("Prefix cannot contain");
    expect(check("!{partitionKeyFromQuery:id}/", "!{firehose:error-output-type}/")).toThrow("not evaluated");
  });

  it("reads times strictly", () => {
    expect(parseTime("yyyy-MM-dd", "2001-02-30")).toBeUndefined();
    expect(parseTime("yyyy-MM-dd", "2001-02-03x")).toBeUndefined();
  });
});
