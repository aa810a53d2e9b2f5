"""HTTP: the server and its limits, bodies, problems, middleware."""
