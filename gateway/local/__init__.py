"""The embedded stack of one machine: PostgreSQL, Kafka and the gateway's own processes, started, stopped and wiped."""
