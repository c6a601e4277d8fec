"""Whether the images of a plan are there: asked of ECR's API and of any OCI registry, on request only.

This is I/O, unlike `imagepull.pull_plan.findings`: it needs the network and the credentials that the program
configures.
"""

from imagepull.verify.facts import ImageFacts, Unverified
from imagepull.verify.verifier import Settings, Verifier, verify

__all__ = ["ImageFacts", "Settings", "Unverified", "Verifier", "verify"]
