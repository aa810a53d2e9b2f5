-- Which saved formats are there, by name?
SELECT id, name, columns, mode FROM crm.import_formats WHERE kind = 'supporter' ORDER BY name, id
