"""The rebuild: the views made anew from the log, compared, swapped."""
