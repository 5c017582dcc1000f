-- Query 4, average price for a category (queries/q4.sql): of the highest bids that came while their auctions were open,
-- both ends included. The published query updates its answer with every bid; compared is what it says in the end.
-- The mean of whole numbers is a whole number in Flink, cut off and not rounded.
WITH winning AS (
  SELECT auction.id, auction.category, max(bid.price) AS final
  FROM auction JOIN bid ON auction.id = bid.auction AND bid.date_time BETWEEN auction.date_time AND auction.expires
  GROUP BY auction.id, auction.category
)
SELECT category AS id, (sum(final) // count(*))::BIGINT AS final FROM winning GROUP BY category
