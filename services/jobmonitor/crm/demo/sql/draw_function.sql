-- What number from 0 up to 1 belongs to this id and purpose? The same on every machine and in every run.
CREATE OR REPLACE FUNCTION pg_temp.draw(id bigint, purpose bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT (hashint8extended(id, purpose) & 9007199254740991)::float8 / 9007199254740992::float8
$$
