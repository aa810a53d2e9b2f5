-- Which of these words does the number from 0 up to 1 point at?
CREATE OR REPLACE FUNCTION pg_temp.pick(words text[], drawn float8) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT words[1 + floor(drawn * cardinality(words))::int]
$$
