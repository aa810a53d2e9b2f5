"""The CRM's statements, one a file."""
