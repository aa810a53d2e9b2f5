"""The processors: one Faust app per job type consumes its requests and runs its chunks."""
