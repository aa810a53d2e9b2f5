"""The processors: one Faust app per job type hears its requests and runs its chunks."""
