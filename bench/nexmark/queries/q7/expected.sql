-- Query 7, highest bid (queries/q7.sql): the bids of the highest price in every ten seconds. Of equals all are in the
-- answer, as published. The published query also takes a bid from the very millisecond in which the next ten seconds
-- begin, should it have the same price: here a window ends before that.
SELECT auction, price, bidder, date_time, extra
FROM bid
QUALIFY price = max(price) OVER (PARTITION BY epoch_ms(date_time) // 10_000)
