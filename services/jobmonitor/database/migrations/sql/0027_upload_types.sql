-- Which job type a file was uploaded for. Until now only one read files; gateways of before name none.
ALTER TABLE crm.uploads ADD COLUMN job_type text NOT NULL DEFAULT 'user-data-import';
