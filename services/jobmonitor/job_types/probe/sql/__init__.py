"""What a probe writes."""
