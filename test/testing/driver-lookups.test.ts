import { dynamoTable, kinesis, lake, pipeline, text } from "millrace";
import { testDriver } from "millrace/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import { START } from "./trips.ts";

const airports = dynamoTable("airports", { key: "code", schema: z.object({ city: z.string() }) });
const flights = kinesis("flights", {
  schema: z.object({ origin: z.string(), plane: z.number(), at: z.number() }),
  eventTime: (f) => f.at,
  disorder: {},
});
const places = lake("places", { city: text, plane: text });

/** Two lookups, one after the other: the second one's key is what the first has found. */
const located = pipeline("located", (flow) => {
  const city = flow.from(flights).enrich("city", {
    key: (f) => f.origin,
    table: airports,
    with: ({ plane }, airport) => ({ plane, city: airport?.city ?? "unknown" }),
    cache: { entries: 10, ttl: { minutes: 5 } },
  });
  const named = city.enrich("plane", {
    key: ({ city: of, plane }) => `${of} ${plane}`,
    call: async (key: string): Promise<string> => key,
    with: (row, name) => ({ city: row.city, plane: name ?? "none" }),
  });
  named.to(places);
  return { city, named };
});
const flight = (origin: string) => ({ origin, plane: 7, at: START });

test("answers are the test's, typed by the table's schema and the call's result; what is kept is kept so long", () => {
  const driver = testDriver(located, { start: START });
  let berlin = "Berlin";
  driver.answer(airports, (code) => (code === "BER" ? { city: berlin } : undefined));
  driver.answer(located.handles.named, (key) => key.toUpperCase());
  driver.push(flights, flight("BER"));
  driver.push(flights, flight("XXX"));
  expect(driver.read(places)).toEqual([
    { city: "Berlin", plane: "BERLIN 7" },
    { city: "unknown", plane: "UNKNOWN 7" },
  ]);
  berlin = "Schönefeld";
  driver.push(flights, flight("BER"));
  driver.advanceTime({ minutes: 5 });
  driver.push(flights, flight("BER"));
  expect(driver.read(places).map(({ city }) => city)).toEqual(["Berlin", "Schönefeld"]);
});

test("a lookup that fails and is to be repeated is repeated with the next record, and none is lost", () => {
  const driver = testDriver(located, { start: START });
  driver.answer(airports, () => ({ city: "Ulm" }));
  driver.answer(located.handles.named, () => {
    throw new Error("down");
  });
  expect(() => driver.push(flights, flight("ULM"))).toThrow(/lookup of operator "plane" failed: down.*comes again/s);
  driver.answer(located.handles.named, (key) => key);
  driver.push(flights, flight("ULM"));
  expect(driver.read(places)).toHaveLength(2);
});

test("a row that the schema refuses is a dead letter", () => {
  const driver = testDriver(located, { start: START });
  driver.answer(airports, () => ({ town: "Ulm" }) as never);
  driver.push(flights, flight("ULM"));
  expect(driver.deadLetters().map(({ reason }) => reason.code)).toEqual(["enrich/row"]);
});

test("without an answer the error says how to give one; wrong ones do not compile", () => {
  const driver = testDriver(located, { start: START });
  expect(() => driver.push(flights, flight("BER"))).toThrow(
    /"city" looks up "BER" in the table "airports".*driver\.answer\(the table/,
  );
  driver.answer(airports, () => undefined);
  expect(() => driver.advanceTime({ seconds: 1 })).toThrow(/"plane" looks up "unknown 7", .*the handle of "plane"/);
  const other = dynamoTable("planes", { key: "id", schema: z.object({ id: z.string() }) });
  expect(() => driver.answer(other, () => ({ id: "x" }))).toThrow(/has no table "planes"\. It has airports/);
  // @ts-expect-error another row
  driver.answer(airports, () => ({ town: "Ulm" }));
  // @ts-expect-error another result
  driver.answer(located.handles.named, () => 5);
  // @ts-expect-error a name is no handle
  expect(() => driver.answer("plane", () => "x")).toThrow(/was given nothing that the pipeline is made of/);
});
