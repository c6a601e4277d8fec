"""Watches the Pods of a roll-out, and says why images are not pulled."""
