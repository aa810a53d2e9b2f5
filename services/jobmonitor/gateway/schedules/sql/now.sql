-- What time is it by the clock that all processes have in common?
SELECT now()
