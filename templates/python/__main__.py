"""A workload from a private registry, and the pull Secret that opens it in its namespace."""

import pulumi
from imagepull.components import Deployment, RegistryAccess, image_pull_plan

config = pulumi.Config()
namespace = config.require("namespace")

# A registry that is not ECR also takes "username" and "password": config.require_secret("password").
# A token of ECR dies after 12 hours. The next `pulumi up` renews it, or what the argument `renewal` names:
# a CronJob, External Secrets Operator, the kubelet, or `imagepull renew`.
access = RegistryAccess(
    "registry-access",
    registries=[{"host": config.require("registry")}],
    namespaces=[namespace],
)

web = Deployment(
    "web",
    image=config.require("image"),
    namespace=namespace,
    port=config.require_int("port"),
    access=access,
)

pulumi.export("imagePullPlan", image_pull_plan(web, access=[access]))
