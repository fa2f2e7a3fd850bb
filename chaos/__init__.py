"""The fault matrix: every fault at every step, under load, judged by an oracle that knows what was sent and answered."""
