-- What the pipeline must deliver, from the source data and the order in which the stream accepted it.
--
-- An airport's departures are all in one shard, so a shard's own watermark decides. Before a departure
-- it is the latest departure accepted before it in the shard, of any distance, less five hours; the shards that the
-- airport's departures went to before, which were split or merged since, count whole. A departure is late when its
-- hour [start, end) has ended by then: end <= watermark.
CREATE OR REPLACE TEMP TABLE judged AS
WITH
  latest AS (SELECT shard AS ancestor, max(departed_at) AS latest FROM prepared JOIN accepted USING (n) GROUP BY shard),
  inherited AS (
    SELECT partition_key AS origin, shard, max(latest) AS latest
    FROM lineage JOIN latest USING (ancestor)
    GROUP BY partition_key, shard
  ),
  placed AS (
    SELECT
      origin, departed_at, delay, distance,
      departed_at - departed_at % 3_600_000 AS starts,
      greatest(
        latest,
        max(departed_at) OVER (
          PARTITION BY shard ORDER BY length(sequence), sequence
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
      ) - 5 * 3_600_000 AS watermark
    FROM prepared JOIN accepted USING (n) LEFT JOIN inherited USING (origin, shard)
  )
SELECT *, coalesce(starts + 3_600_000 <= watermark, false) AS is_late
FROM placed
WHERE distance >= 100;

CREATE OR REPLACE TEMP TABLE expected_hourly_delays AS
SELECT
  origin,
  make_timestamp_ms(starts) AS window_start,
  make_timestamp_ms(starts + 3_600_000) AS window_end,
  count(*) AS flights,
  sum(delay)::DOUBLE / count(*) AS mean_delay,
  max(delay)::DOUBLE AS worst_delay
FROM judged
WHERE NOT is_late
GROUP BY origin, starts;

CREATE OR REPLACE TEMP TABLE expected_late_departures AS
SELECT origin, make_timestamp_ms(departed_at) AS departed_at, delay::DOUBLE AS delay
FROM judged
WHERE is_late;

DROP TABLE judged;
