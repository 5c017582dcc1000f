-- Query 0, pass through, as nexmark/nexmark publishes it (queries/q0.sql).
SELECT auction, bidder, price, date_time, extra FROM bid
