"""The rules and models of FM-1, the message that reports an operation."""
