-- Note, before it is begun, which messages of a partition are tried; one row if it is still held under this epoch.
UPDATE {schema}.offsets
SET tried_from = :first, tried_until = :end, tries = :tries, alone_until = :alone_until
WHERE topic = :topic AND partition = :partition AND epoch = :epoch
RETURNING topic
