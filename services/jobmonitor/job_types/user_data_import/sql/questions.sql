-- Which questions and opt-ins can an import answer?
SELECT id, name, kind FROM crm.questions ORDER BY name, id
