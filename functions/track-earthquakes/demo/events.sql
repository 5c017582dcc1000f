-- Quakes as networks report them, in the order of arrival.
SELECT
  n,
  network AS partition_key,
  json_object(
    'network', network, 'id', id, 'type', type, 'magnitude', magnitude, 'place', place, 'occurredAt', occurred_at
  )::VARCHAR AS event
FROM prepared
