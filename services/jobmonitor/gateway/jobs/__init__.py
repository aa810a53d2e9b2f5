"""Jobs over HTTP: start, list, look, stop."""
