-- Query 11, user sessions (queries/q11.sql): the bids of everyone in each session, which ends after ten seconds without
-- a bid. A bid exactly ten seconds after the one before it begins a new session.
WITH
  marked AS (
    SELECT
      bidder,
      date_time,
      coalesce(date_time - lag(date_time) OVER bids >= INTERVAL 10 SECOND, true) AS begins
    FROM bid
    WINDOW bids AS (PARTITION BY bidder ORDER BY date_time)
  ),
  numbered AS (
    SELECT
      bidder,
      date_time,
      count(*) FILTER (begins) OVER (
        PARTITION BY bidder ORDER BY date_time RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS session
    FROM marked
  )
SELECT
  bidder,
  count(*) AS bid_count,
  min(date_time) AS starttime,
  max(date_time) + INTERVAL 10 SECOND AS endtime
FROM numbered
GROUP BY bidder, session
