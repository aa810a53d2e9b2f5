"""Private tokens of users: made, listed, revoked."""
