"""What can be run: one module per job type, each reading like its section of the domain text."""
