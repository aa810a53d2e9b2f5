-- Which profiles are there, and how many members had each when it last ran?
SELECT profiles.id, profiles.name, (
    SELECT count(*) FROM crm.profile_members WHERE profile_members.profile_id = profiles.id
) AS members
FROM crm.profiles
ORDER BY profiles.name, profiles.id
