"""What an export reads."""
