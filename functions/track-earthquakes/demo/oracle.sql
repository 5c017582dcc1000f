-- What the pipeline must deliver, from the source data and the order in which the stream accepted it.
--
-- A network's reports are all in one shard, so a shard's own watermark decides. Before a report it is the
-- latest event time accepted before it in the shard, explosions included, less two days; the shards that the
-- network's reports went to before, which were split or merged since, count whole. A quake is late when its day
-- [start, end) has ended by then: end <= watermark.
CREATE OR REPLACE TEMP TABLE judged AS
WITH
  latest AS (SELECT shard AS ancestor, max(occurred_at) AS latest FROM prepared JOIN accepted USING (n) GROUP BY shard),
  inherited AS (
    SELECT partition_key AS network, shard, max(latest) AS latest
    FROM lineage JOIN latest USING (ancestor)
    GROUP BY partition_key, shard
  ),
  placed AS (
    SELECT
      network, id, type, magnitude, place, occurred_at,
      occurred_at - occurred_at % 86_400_000 AS starts,
      greatest(
        latest,
        max(occurred_at) OVER (
          PARTITION BY shard ORDER BY length(sequence), sequence
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
      ) - 2 * 86_400_000 AS watermark
    FROM prepared JOIN accepted USING (n) LEFT JOIN inherited USING (network, shard)
  )
SELECT *, coalesce(starts + 86_400_000 <= watermark, false) AS is_late
FROM placed
WHERE type = 'earthquake';

CREATE OR REPLACE TEMP TABLE expected_daily_quakes AS
SELECT
  network,
  make_timestamp_ms(starts) AS window_start,
  make_timestamp_ms(starts + 86_400_000) AS window_end,
  count(*) AS quakes,
  fsum(magnitude) / count(*) AS mean_magnitude,
  max(magnitude) AS max_magnitude,
  first(place ORDER BY magnitude DESC, occurred_at, place) AS strongest_at
FROM judged
WHERE NOT is_late
GROUP BY network, starts;

CREATE OR REPLACE TEMP TABLE expected_late_quakes AS
SELECT network, id, make_timestamp_ms(occurred_at) AS occurred_at, magnitude
FROM judged
WHERE is_late;

DROP TABLE judged;
