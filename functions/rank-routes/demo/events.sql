-- Departures as producers send them, in the order of the file, each under a partition key that says nothing of it.
SELECT
  n,
  md5('departure ' || n) AS partition_key,
  json_object(
    'origin', origin, 'destination', destination, 'departedAt', departed_at, 'delay', delay, 'distance', distance
  )::VARCHAR AS event
FROM prepared
