"""What a reporting entity's own software uses to file."""

from gateway.client.filing import Answer, NotDelivered, file_message

__all__ = ["Answer", "NotDelivered", "file_message"]
