-- Whether the fresh tables are the live ones now.
SELECT to_regnamespace('projection_rebuild') IS NOT NULL AND to_regclass('projection_rebuild.offsets') IS NULL
