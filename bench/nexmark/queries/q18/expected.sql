-- Query 18, find last bid (queries/q18.sql): of every bidder for every auction. The published query leaves open which
-- of several in one millisecond is the last one: here it is the highest, and of equals the first by its texts.
SELECT auction, bidder, price, channel, url, date_time, extra
FROM bid
QUALIFY row_number() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC, price DESC, channel, url, extra) = 1
