SELECT
  origin AS airport,
  sum(flights)::BIGINT AS flights,
  round(sum(mean_delay * flights) / sum(flights), 1) AS mean_delay,
  max(worst_delay)::BIGINT AS worst_delay
FROM hourly_delays
GROUP BY origin
HAVING sum(flights) >= (SELECT sum(flights) / 1_000 FROM hourly_delays)
ORDER BY mean_delay DESC, airport
LIMIT 5
