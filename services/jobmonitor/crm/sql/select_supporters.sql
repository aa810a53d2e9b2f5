-- Which supporters are there? Conditions on supporters.id are added behind.
SELECT supporters.id FROM crm.supporters WHERE true
