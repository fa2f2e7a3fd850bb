"""What a deployment needs beside the code: topics, the local Kafka and its jars."""
