"""Unique codes of luxury goods: asked for, issued, checked, reserved in blocks and printed."""
