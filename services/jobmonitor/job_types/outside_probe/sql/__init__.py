"""What an outside probe writes."""
