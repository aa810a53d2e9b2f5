-- What does this saved format ($1) say?
SELECT id, name, columns, mode FROM crm.import_formats WHERE kind = 'supporter' AND id = $1
