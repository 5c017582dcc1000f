SELECT
  strftime(window_start, '%Y-%m-%d %H:00 UTC') AS hour,
  sum(flights)::BIGINT AS flights,
  round(sum(mean_delay * flights) / sum(flights), 1) AS mean_delay,
  count(*) AS airports
FROM hourly_delays
GROUP BY window_start
HAVING count(*) >= 10
ORDER BY mean_delay DESC, hour
LIMIT 5
