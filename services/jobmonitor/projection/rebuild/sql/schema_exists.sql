-- Whether there is such a schema.
SELECT to_regnamespace(:schema_name::text) IS NOT NULL
