"""What can be run: a folder per job type, found by its entry point, and what several types share."""
