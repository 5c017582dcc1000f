-- Query 1, currency conversion (queries/q1.sql): every price in euros. The published column is a decimal of three
-- digits; here it is the double next to it.
SELECT auction, bidder, (0.908 * price)::DECIMAL(23, 3)::DOUBLE AS price, date_time, extra FROM bid
