-- Which questions and opt-ins are there?
SELECT id, name, kind FROM crm.questions ORDER BY name, id
