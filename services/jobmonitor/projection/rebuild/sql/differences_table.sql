-- Where the differences stand, of this session alone.
CREATE TEMPORARY TABLE differences (table_name text NOT NULL, job_id uuid NOT NULL, live jsonb, rebuilt jsonb)
