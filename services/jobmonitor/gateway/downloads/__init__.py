"""Downloads: results are streamed, and what arrived is recorded."""
