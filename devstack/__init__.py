"""Start PostgreSQL, Redis and every process of the project under one supervisor."""
