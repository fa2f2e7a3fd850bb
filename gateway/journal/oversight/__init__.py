"""What oversight keeps in PostgreSQL, and how it is read."""
