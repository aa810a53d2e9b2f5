-- Lets one seed at a time look whether there is anybody yet.
LOCK TABLE crm.users IN SHARE ROW EXCLUSIVE MODE
