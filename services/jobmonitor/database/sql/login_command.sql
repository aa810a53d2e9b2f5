-- The command that lets this role log in with this password.
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :role::text, :password::text)
