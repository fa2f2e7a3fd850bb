"""Kafka: the declared topics, the transactional publisher, the position in the log; nothing else writes to it."""
