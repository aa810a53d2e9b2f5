"""The check of a whole installation: reads log, ledger, views and object store, and verifies what always holds.

It changes nothing and may run beside a busy system. ``check`` is all others need.
"""

from jobmonitor.checker.check import check
from jobmonitor.checker.report import CouldNotLook, Finding, Report, Violation
from jobmonitor.checker.settings import CheckSettings

__all__ = ["CheckSettings", "CouldNotLook", "Finding", "Report", "Violation", "check"]
