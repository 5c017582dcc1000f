-- Query 19, auction top 10 price (queries/q19.sql): the ten highest bids for every auction. The published query leaves
-- open which of equals comes first: here it is the latest, and of these the last by its `extra`. It updates its answer
-- with every bid; compared is what it says in the end.
SELECT
  auction, bidder, price, channel, url, date_time, extra,
  row_number() OVER (PARTITION BY auction ORDER BY price DESC, date_time DESC, extra DESC) AS rank_number
FROM bid
QUALIFY rank_number <= 10
