-- How many schedules has the viewer's account? Until the commit nobody else adds one.
SELECT crm.count_schedules()
