"""The reconciler: the one safety net. Whatever was asked for and not done is asked for again, until it is done."""
