import { testDriver } from "millrace/testing";
import { expect, test } from "vitest";
import flightDelays, { departures, hourlyDelays, lateDepartures } from "./pipeline.ts";

const NEW_YEAR = Date.UTC(2001, 0, 1);
const HOUR = 3_600_000;

const departure = (hours: number, delay: number, distance = 900) => ({
  origin: "ORD",
  destination: "DEN",
  departedAt: NEW_YEAR + hours * HOUR,
  delay,
  distance,
});

test("an hour's departures make one row, once five hours more have passed", () => {
  const driver = testDriver(flightDelays, { start: NEW_YEAR + 24 * HOUR, deadLetters: "throw" });
  for (const delay of [-5, 10, 40]) driver.push(departures, departure(0.5, delay));
  driver.push(departures, departure(0.6, 600, 90)); // too short to be counted
  driver.push(departures, departure(5.9, 0));
  expect(driver.read(hourlyDelays)).toEqual([]);
  driver.push(departures, departure(6, 0));
  expect(driver.read(hourlyDelays)).toEqual([
    {
      origin: "ORD",
      windowStart: NEW_YEAR,
      windowEnd: NEW_YEAR + HOUR,
      flights: 3,
      meanDelay: 15,
      worstDelay: 40,
    },
  ]);
});

test("who comes later than that is among the late departures", () => {
  const driver = testDriver(flightDelays, { start: NEW_YEAR + 24 * HOUR });
  driver.push(departures, departure(12, 0));
  driver.push(departures, departure(1, 3));
  driver.drain();
  expect(driver.read(lateDepartures)).toEqual([{ origin: "ORD", departedAt: NEW_YEAR + HOUR, delay: 3 }]);
  expect(driver.read(hourlyDelays)).toHaveLength(1);
});

test("a departure without an airport's code is set aside", () => {
  const driver = testDriver(flightDelays, { start: NEW_YEAR + 24 * HOUR });
  driver.push(departures, { ...departure(0, 0), origin: "O'Hare" });
  driver.push(departures, departure(0, 0));
  expect(driver.deadLetters().map(({ reason }) => reason.code)).toEqual(["schema/mismatch"]);
  expect(driver.windows(flightDelays.handles.hourly, { origin: "ORD" })).toMatchObject([{ flights: 1 }]);
});
