SELECT
  origin || '-' || destination AS route,
  count(*) AS days,
  sum(flights)::BIGINT AS flights,
  max(delay_p90) AS highest_p90
FROM daily_routes
WHERE flights >= 10
GROUP BY ALL
ORDER BY highest_p90 DESC, route
LIMIT 5
