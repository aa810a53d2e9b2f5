"""The live stream: changes of jobs pushed to open pages."""
