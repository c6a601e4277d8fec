"""A stack's configuration."""
