"""The whole stack on one machine without Docker: real servers, our processes, demo data; for a demo and for tests."""
