-- Tell those who listen which jobs changed; they hear it when this transaction commits.
SELECT pg_notify('jobs_changed', payload) FROM unnest(:payloads::text[]) AS payload
