import fc from "fast-check";
import { expect, test } from "vitest";
import { recordsIn, type FailedRecord } from "../../tools/error-rows/error-object.ts";

async function read(chunks: readonly Uint8Array[]): Promise<FailedRecord[]> {
  const records: FailedRecord[] = [];
  for await (const record of recordsIn("key", (async function* () { yield* chunks; })())) records.push(record); // prettier-ignore
  return records;
}

const line = (data: Uint8Array) =>
  JSON.stringify({
    attemptsMade: 1,
    lastErrorCode: "c",
    lastErrorMessage: "ä\n",
    rawData: Buffer.from(data).toString("base64"),
  });

test("records come out byte for byte, wherever the object is cut, with an end of line or without", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { maxLength: 5 }),
      fc.array(fc.nat(400), { maxLength: 5 }),
      fc.boolean(),
      async (all, cuts, ended) => {
        const bytes = Buffer.from(all.map(line).join("\n") + (ended && all.length > 0 ? "\n" : ""));
        const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const records = await read(at.slice(1).map((end, i) => bytes.subarray(at[i], end)));
        expect(records.map(({ data }) => [...data])).toEqual(all.map((one) => [...one]));
        for (const { code, reason } of records) expect([code, reason]).toEqual(["c", "ä\n"]);
      },
    ),
  );
});

test.each([
  ["what is no JSON", "PAR1"],
  ["a row of its own", '{"output_id":"a"}'],
  ["an empty record", '{"rawData":""}'],
  ["null", "null"],
])("%s is no record", async (_, text) => {
  await expect(read([Buffer.from(`${line(Buffer.from("x"))}\n${text}\n`)])).rejects.toThrow("line 2 has no record");
});

test("a line is bounded, so that a file that has none is not read into memory", async () => {
  const chunks = Array.from({ length: 100 }, () => Buffer.alloc(1024 * 1024, "x"));
  await expect(read(chunks)).rejects.toThrow("a line is longer than");
});
