"""How checkpoints stand in Kafka: names that the relay writes and the consumer reads."""

CHECKPOINTS_TOPIC = "fma.checkpoints.v1"
CHECKPOINT_EVENT = "kz.fma.checkpoint.v1"
