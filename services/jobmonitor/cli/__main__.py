"""The entry point of the command line tool ``jobmonitor``. It imports little, so that Ctrl-C works from the start."""

import os
import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with its status."""
    try:
        from jobmonitor.cli.tool import start

        status = start(sys.argv[1:], os.environ)
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status)


if __name__ == "__main__":
    main()
