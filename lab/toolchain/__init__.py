"""The programs that the lab runs: found on PATH where they are new enough, else built from their Go modules.

Each folder beside this file is a Go module of its own, because their dependencies conflict. What is built lands in a
cache outside the checkout, one folder a module, keyed by all that goes into it; a second build of the same is free,
two at once wait for one another, and one that was cut short goes on where it stopped.
"""
