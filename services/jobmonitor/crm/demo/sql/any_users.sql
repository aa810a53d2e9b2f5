-- Does anybody have a login?
SELECT EXISTS (SELECT FROM crm.users)
