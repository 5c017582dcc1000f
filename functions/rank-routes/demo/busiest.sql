SELECT
  strftime(window_start, '%Y-%m-%d') AS day,
  origin AS airport,
  flights,
  destinations,
  busiest
FROM busiest_routes
ORDER BY flights DESC, day, airport
LIMIT 5
