"""The job types' own statements, one a file."""
