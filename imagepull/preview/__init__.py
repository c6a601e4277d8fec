"""A Pulumi preview as a comment on a pull request."""
