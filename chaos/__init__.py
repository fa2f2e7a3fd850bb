"""The fault matrix: every fault at every step, under load, judged by an oracle that knows all that was answered."""
