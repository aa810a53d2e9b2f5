"""The reconciler: the one safety net. It asks again for whatever was requested and not done, until it is done."""
