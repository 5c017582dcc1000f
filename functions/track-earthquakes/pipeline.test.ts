import { testDriver } from "millrace/testing";
import { expect, test } from "vitest";
import earthquakes, { dailyQuakes, lateQuakes, quakes } from "./pipeline.ts";

const DAY = 86_400_000;
const MAY = Date.UTC(2018, 4, 1);

const quake = (id: string, days: number, magnitude: number, type = "earthquake") => ({
  network: "hv",
  id,
  type,
  magnitude,
  place: `near ${id}`,
  occurredAt: MAY + days * DAY,
});

/** State is written and read back after every record: the custom aggregate's schema must take what it gives. */
const driver = () => testDriver(earthquakes, { start: MAY + 30 * DAY, restartEvery: 1, deadLetters: "throw" });

test("a day's quakes make one row, which says where the strongest was", () => {
  const may = driver();
  may.push(quakes, quake("Pahala", 0.1, 2));
  may.push(quakes, quake("Volcano", 0.5, 5));
  may.push(quakes, quake("Keaau", 0.7, 5)); // as strong, and later
  may.push(quakes, quake("Hilo", 0.8, 6, "quarry blast"));
  may.drain();
  const [row] = may.read(dailyQuakes);
  expect(row).toMatchObject({
    network: "hv",
    windowStart: MAY,
    quakes: 3,
    meanMagnitude: 4,
    strongestAt: "near Volcano",
  });
});

test("reports that come more than two days behind are late", () => {
  const may = driver();
  may.push(quakes, quake("Pahala", 4, 2));
  may.push(quakes, quake("Volcano", 1.5, 5));
  may.push(quakes, quake("Keaau", 2.5, 3));
  expect(may.late).toEqual({ daily: 1 });
  expect(may.read(lateQuakes).map(({ id }) => id)).toEqual(["Volcano"]);
});
