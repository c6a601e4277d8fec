"""A workload with the access that the stack of examples/infrastructure made."""

import pulumi

from components import AccessReference, Deployment, image_pull_plan

config = pulumi.Config()

access = AccessReference(config.require("infrastructure"))
web = Deployment("web", image=config.require("image"), port=8080, namespace=config.require("namespace"), access=access)

pulumi.export("imagePullPlan", image_pull_plan(web, access=[access]))
