"""The projection: folds the events of all jobs into the tables readers see. ``python -m jobmonitor.projection``."""
