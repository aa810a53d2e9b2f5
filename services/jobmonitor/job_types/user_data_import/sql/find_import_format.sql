-- What does this saved format say?
SELECT id, name, columns, mode FROM crm.import_formats WHERE kind = 'supporter' AND id = :format_id
