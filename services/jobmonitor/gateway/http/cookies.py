"""The cookie of a session."""

SESSION_COOKIE = "jobmonitor_session"
