-- Note, before it is begun, which messages of a partition are tried; one row if it is still held under this epoch.
UPDATE projection.offsets
SET tried_from = $4, tried_until = $5, tries = $6, alone_until = $7
WHERE topic = $1 AND partition = $2 AND epoch = $3
RETURNING topic
