"""The gateway's ways to Kafka and PostgreSQL."""
