-- Query 14, calculation (queries/q14.sql): bids of a price between two bounds, with the time of day in words and how
-- often `extra` has the letter c. The price is the double next to the published decimal.
SELECT
  auction,
  bidder,
  (0.908 * price)::DECIMAL(23, 3)::DOUBLE AS price,
  CASE
    WHEN hour(date_time) BETWEEN 8 AND 18 THEN 'dayTime'
    WHEN hour(date_time) <= 6 OR hour(date_time) >= 20 THEN 'nightTime'
    ELSE 'otherTime'
  END AS bid_time_type,
  date_time,
  extra,
  len(extra) - len(replace(extra, 'c', '')) AS c_counts
FROM bid
WHERE 0.908 * price > 1_000_000 AND 0.908 * price < 50_000_000
