"""Job Monitor: long jobs that people can see, stop and download.

A folder with a ``__main__.py`` is a process; every other folder is a library. ``ARCHITECTURE.md`` follows one job
through them file by file.
"""
