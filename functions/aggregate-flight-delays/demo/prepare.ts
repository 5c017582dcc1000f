import { fileURLToPath } from "node:url";
import lookUpZone from "@photostructure/tz-lookup";
import { literal, type Database } from "../../../localstack/start/database.ts";

const data = (name: string): string =>
  fileURLToPath(new URL(`../../../node_modules/vega-datasets/data/${name}`, import.meta.url));

const FLIGHTS = data("flights-3m.parquet");
const AIRPORTS = data("airports.csv");

export const INPUTS: readonly string[] = [FLIGHTS, AIRPORTS, fileURLToPath(import.meta.url)];

/**
 * Departures in the order of the file, which is that of local time at the origin; in UTC they are out of
 * order by hours, as real feeds are. The file has no time zones: they follow from where the airport is.
 *
 * A local time that the clocks skip in spring (02:30 on 1 April) counts as the same distance after the
 * change (03:30), as ICU does it.
 */
export async function prepareDepartures(database: Database, count: number, file: string): Promise<void> {
  const airports = await database.rows(`SELECT iata, latitude, longitude FROM read_csv(${literal(AIRPORTS)})`);
  const zones = airports.map(({ iata, latitude, longitude }) => {
    const zone = lookUpZone(Number(latitude), Number(longitude));
    return `(${literal(String(iata))}, ${literal(zone)})`;
  });
  await database.run(
    `CREATE OR REPLACE TEMP TABLE zone (airport VARCHAR, name VARCHAR); INSERT INTO zone VALUES ${zones.join()}`,
  );
  await database.run(`
    COPY (
      SELECT file_row_number AS n, origin, destination, epoch_ms(timezone(zone.name, date)) AS departed_at, delay, distance
      FROM read_parquet(${literal(FLIGHTS)}, file_row_number = true) JOIN zone ON zone.airport = origin
      WHERE file_row_number < ${count}
      ORDER BY n
    ) TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd);
    DROP TABLE zone`);
}
