SELECT strftime(window_start, '%Y-%m-%d') AS day, network, max_magnitude AS magnitude, strongest_at AS place
FROM daily_quakes
ORDER BY max_magnitude DESC, day, network
LIMIT 5
