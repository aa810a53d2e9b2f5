"""The demo data's statements, in SQL because the database makes a million rows faster than any client sends them."""
