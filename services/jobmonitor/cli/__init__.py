"""The command line tool ``jobmonitor``: jobs over Kafka and HTTP, topics, dead letters, check and rebuild."""
