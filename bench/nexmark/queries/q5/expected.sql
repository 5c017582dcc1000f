-- Query 5, hot items (queries/q5.sql): the auctions with the most bids within ten seconds, every two seconds. Of equals
-- all are in the answer, as published. The window is named beside them, which the published query leaves out, so that
-- no row may stand for another window's.
WITH
  counted AS (
    SELECT auction, count(*) AS num, start
    FROM (
      SELECT auction, unnest(generate_series(date_time_ms // 2_000 - 4, date_time_ms // 2_000)) * 2_000 AS start
      FROM (SELECT auction, epoch_ms(date_time) AS date_time_ms FROM bid)
    )
    GROUP BY auction, start
  )
SELECT auction, num, make_timestamp_ms(start) AS window_start, make_timestamp_ms(start + 10_000) AS window_end
FROM counted
QUALIFY num = max(num) OVER (PARTITION BY start)
