SELECT
  network,
  sum(quakes)::BIGINT AS quakes,
  round(sum(mean_magnitude * quakes) / sum(quakes), 2) AS mean_magnitude,
  max(max_magnitude) AS max_magnitude
FROM daily_quakes
GROUP BY network
ORDER BY quakes DESC, network
LIMIT 5
