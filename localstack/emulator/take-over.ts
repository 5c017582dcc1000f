import { compare } from "../start/compare.ts";
import type { Database } from "../start/database.ts";
import { whole } from "../start/print.ts";
import type { Checks } from "./check.ts";
import { LONG } from "./second/pipeline.ts";

/**
 * The second version took over once on each shard, between two records: its own lake has the last so many long delays
 * of the shard, all of them, once.
 *
 * @param before events that were committed before it was deployed @param after events put when it was deployed
 */
export async function checkTakeOver(
  database: Database,
  { before, after }: { readonly before: number; readonly after: number },
  checks: Checks,
): Promise<void> {
  await database.run(`
    CREATE OR REPLACE TEMP TABLE long AS
    SELECT n, shard, origin, departed_at, delay, distance,
      row_number() OVER (PARTITION BY shard ORDER BY length(sequence) DESC, sequence DESC) AS nth_from_end
    FROM prepared JOIN accepted USING (n) WHERE delay >= ${LONG};
    CREATE OR REPLACE TEMP TABLE taken AS
    SELECT shard, count(*) AS rows
    FROM long_delays JOIN (SELECT DISTINCT origin, shard FROM prepared JOIN accepted USING (n)) USING (origin)
    GROUP BY shard;
    CREATE OR REPLACE TEMP TABLE expected_long_delays AS
    SELECT origin, make_timestamp_ms(departed_at) AS departed_at, delay::DOUBLE AS delay, distance::DOUBLE AS distance
    FROM long JOIN taken USING (shard) WHERE nth_from_end <= rows`);
  const { equal, missing, repeated, different } = await compare(database, { name: "long_delays", rows: "long delays" });
  checks.that(
    "the second version has every record from where it took over, once",
    equal > 0 && missing + repeated + different === 0,
    `rows equal ${whole(equal)}, missing ${whole(missing)}, repeated ${whole(repeated)}, different ${whole(different)}`,
  );
  const { most, least } = await database.row(`
    SELECT count(*) FILTER (n >= ${before}) AS most, count(*) FILTER (n >= ${after}) AS least FROM long`);
  checks.that(
    "it took over in mid-stream",
    Number(most) > Number(least) && equal <= Number(most) && equal >= Number(least),
    `${whole(equal)} long delays, at least ${whole(Number(least))} and at most ${whole(Number(most))}`,
  );
}
