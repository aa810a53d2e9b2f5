-- Which supporters meet these conditions on supporters.id, each beginning with AND? Without any, all.
SELECT supporters.id FROM crm.supporters WHERE true {conditions}
