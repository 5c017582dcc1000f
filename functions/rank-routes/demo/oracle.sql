-- What the pipeline must deliver, from the source data alone: no departure comes more than six hours behind another
-- one, so none is late, whichever shard took it and in whichever order the stages read it.
CREATE OR REPLACE TEMP TABLE expected_daily_routes AS
SELECT
  origin,
  destination,
  make_timestamp_ms(starts) AS window_start,
  make_timestamp_ms(starts + 86_400_000) AS window_end,
  count(*) AS flights,
  -- The least delay that nine departures of ten do not exceed.
  list_sort(list(delay))[ceil(0.9 * count(*))::BIGINT]::DOUBLE AS delay_p90,
  -- Of those that were delayed most, the first.
  make_timestamp_ms(arg_min(departed_at, (-delay, departed_at))) AS worst_at
FROM (SELECT *, departed_at - departed_at % 86_400_000 AS starts FROM prepared WHERE distance >= 100)
GROUP BY origin, destination, starts;

CREATE OR REPLACE TEMP TABLE expected_busiest_routes AS
SELECT
  origin,
  window_start,
  window_end,
  count(*) AS destinations,
  sum(flights)::BIGINT AS flights,
  array_to_string(list(destination || ' ' || flights ORDER BY flights DESC, destination DESC)[1:3], ', ') AS busiest
FROM expected_daily_routes
GROUP BY origin, window_start, window_end;
