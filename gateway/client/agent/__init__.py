"""What a gambling organiser installs beside its hardware and software complex: a durable spool that files by itself."""
