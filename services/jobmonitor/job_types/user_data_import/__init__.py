"""The job type User Data Import."""
