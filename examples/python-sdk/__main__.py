"""Workloads with private images, declared in Python with the generated SDK.

In a program beside this repository `from components import ...` is shorter; this is for one that only has the package.
"""

import pulumi
import pulumi_imagepull as imagepull

config = pulumi.Config()
host = config.require("host")
namespace = config.require("namespace")

# Both registries in one Secret; Pods of the ServiceAccount `default` get it, too.
access = imagepull.RegistryAccess(
    "private",
    registries=[
        {"host": host},
        {"host": "ghcr.io", "username": "robot", "password": config.require_secret("robotToken")},
    ],
    namespaces=[namespace],
    renewal=imagepull.Renewal.PULUMI,
)

web = imagepull.Deployment(
    "web",
    image=f"{host}/shop/web:1.0",
    namespace=namespace,
    port=8080,
    rules={"forbid_latest": True, "allowed_registries": ["*.amazonaws.com"]},
    image_pull_secrets=access.image_pull_secrets,
)

imagepull.CronJob(
    "nightly",
    image=f"{host}/shop/api:2.0",
    image_pull_policy=imagepull.PullPolicy.ALWAYS,
    namespace=namespace,
    schedule="0 3 * * *",
    image_pull_secrets=access.image_pull_secrets,
)

# The same by hand: a Secret, and ServiceAccounts that list it.
tools = imagepull.RegistrySecret(
    "tools",
    name="tools",
    namespaces=[namespace],
    registries=[{"host": config.require("toolsHost")}],
)
imagepull.ServiceAccountImagePullSecrets(
    "tools",
    secret_names=["tools"],
    namespaces=[namespace],
    opts=pulumi.ResourceOptions(depends_on=[tools]),
)

pulumi.export("hosts", access.hosts)
pulumi.export("images", web.resolved_images)
