-- Departures as producers send them, in the order of the file.
SELECT
  n,
  origin AS partition_key,
  json_object(
    'origin', origin, 'destination', destination, 'departedAt', departed_at, 'delay', delay, 'distance', distance
  )::VARCHAR AS event
FROM prepared
