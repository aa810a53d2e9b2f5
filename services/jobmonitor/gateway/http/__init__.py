"""How HTTP is spoken here: the server and its limits, bodies, problems, what holds for every address."""
