import { fileURLToPath } from "node:url";
import { literal, type Database } from "../../../localstack/start/database.ts";

const QUAKES = fileURLToPath(new URL("../../../node_modules/vega-datasets/data/earthquakes.json", import.meta.url));

export const INPUTS: readonly string[] = [QUAKES, fileURLToPath(import.meta.url)];

/** A week of reports in the order in which they were last updated: that is when they arrived. */
export async function prepareQuakes(database: Database, count: number, file: string): Promise<void> {
  await database.run(`
    COPY (
      WITH report AS (SELECT unnest(features) AS feature FROM read_json(${literal(QUAKES)})),
      quake AS (
        SELECT
          feature.properties.net AS network,
          feature.id AS id,
          feature.properties.type AS type,
          feature.properties.mag::DOUBLE AS magnitude,
          feature.properties.place AS place,
          feature.properties.time::BIGINT AS occurred_at,
          feature.properties.updated::BIGINT AS arrived_at
        FROM report
      )
      SELECT row_number() OVER (ORDER BY arrived_at, id) - 1 AS n, *
      FROM quake
      ORDER BY n
      LIMIT ${count}
    ) TO ${literal(file)} (FORMAT parquet)`);
}
