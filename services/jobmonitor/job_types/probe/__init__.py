"""The job type of tests, chaos runs and measurements."""
