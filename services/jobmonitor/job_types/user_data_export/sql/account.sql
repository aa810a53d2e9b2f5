-- Which account is this, and in which zone does it show times?
SELECT id, display_tz::text AS display_tz FROM crm.accounts
