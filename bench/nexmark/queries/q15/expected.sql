-- Query 15, bidding statistics report (queries/q15.sql): how many bids, bidders and auctions a day has, in three ranks
-- of price. The published query updates its answer with every bid; compared is what it says in the end of a day.
SELECT
  strftime(date_time, '%Y-%m-%d') AS day,
  count(*) AS total_bids,
  count(*) FILTER (price < 10_000) AS rank1_bids,
  count(*) FILTER (price >= 10_000 AND price < 1_000_000) AS rank2_bids,
  count(*) FILTER (price >= 1_000_000) AS rank3_bids,
  count(DISTINCT bidder) AS total_bidders,
  count(DISTINCT bidder) FILTER (price < 10_000) AS rank1_bidders,
  count(DISTINCT bidder) FILTER (price >= 10_000 AND price < 1_000_000) AS rank2_bidders,
  count(DISTINCT bidder) FILTER (price >= 1_000_000) AS rank3_bidders,
  count(DISTINCT auction) AS total_auctions,
  count(DISTINCT auction) FILTER (price < 10_000) AS rank1_auctions,
  count(DISTINCT auction) FILTER (price >= 10_000 AND price < 1_000_000) AS rank2_auctions,
  count(DISTINCT auction) FILTER (price >= 1_000_000) AS rank3_auctions
FROM bid
GROUP BY day
