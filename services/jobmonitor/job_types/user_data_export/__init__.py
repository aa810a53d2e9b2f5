"""The job type User Data Export."""
