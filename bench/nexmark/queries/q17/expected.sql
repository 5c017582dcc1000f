-- Query 17, auction statistics report (queries/q17.sql): bids and prices of every auction and day. The published query
-- updates its answer with every bid; compared is what it says in the end of a day. The mean of whole numbers is a
-- whole number in Flink, cut off and not rounded.
SELECT
  auction,
  strftime(date_time, '%Y-%m-%d') AS day,
  count(*) AS total_bids,
  count(*) FILTER (price < 10_000) AS rank1_bids,
  count(*) FILTER (price >= 10_000 AND price < 1_000_000) AS rank2_bids,
  count(*) FILTER (price >= 1_000_000) AS rank3_bids,
  min(price) AS min_price,
  max(price) AS max_price,
  (sum(price) // count(*))::BIGINT AS avg_price,
  sum(price)::BIGINT AS sum_price
FROM bid
GROUP BY auction, day
