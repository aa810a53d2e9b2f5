"""Downloads: results streamed, and known to have arrived."""
