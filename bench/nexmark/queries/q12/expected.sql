-- Query 12 (queries/q12.sql): the bids of everyone in every ten seconds. The published query takes these of processing
-- time, of which no two runs agree: here they are of event time.
SELECT
  bidder,
  count(*) AS bid_count,
  make_timestamp_ms(epoch_ms(date_time) // 10_000 * 10_000) AS starttime,
  make_timestamp_ms(epoch_ms(date_time) // 10_000 * 10_000 + 10_000) AS endtime
FROM bid
GROUP BY bidder, epoch_ms(date_time) // 10_000
