"""Old partitions of the log as files: written, verified without any database, taken out of the log and put back."""
