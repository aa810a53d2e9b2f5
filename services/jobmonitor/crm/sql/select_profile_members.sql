-- Who is in any of these profiles, as of its last run?
SELECT supporter_id FROM crm.profile_members WHERE profile_id = ANY(:profiles::bigint[])
