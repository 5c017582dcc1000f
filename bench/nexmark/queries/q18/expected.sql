-- Query 18, find last bid (queries/q18.sql): of every bidder for every auction. The published query leaves open which
-- of several in one millisecond is the last one: here it is the highest, and of equals the last by its `extra`. It
-- updates its answer with every bid; compared is what it says in the end.
SELECT auction, bidder, price, channel, url, date_time, extra
FROM bid
QUALIFY row_number() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC, price DESC, extra DESC) = 1
