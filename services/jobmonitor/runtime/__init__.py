"""Shared plumbing of the processes: settings, logs, metrics, Kafka, the object store, orderly shutdown."""
