-- Sessions that have ended.
SELECT gateway.delete_dead_sessions()
