"""The documentation's site: reference pages that are generated, and the build (`make docs`)."""
