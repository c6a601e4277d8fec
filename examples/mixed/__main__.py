"""A Helm chart, a manifest and a component in one stack: private images for all of them."""

import pulumi
from pulumi_kubernetes.helm.v4 import Chart
from pulumi_kubernetes.yaml.v2 import ConfigGroup

from components import Deployment, RegistryAccess, explicit_image_pulls, image_pull_plan

config = pulumi.Config()
registry = config.get("registry") or "123456789012.dkr.ecr.us-east-1.amazonaws.com"
namespace = config.get("namespace") or "default"

access = RegistryAccess("registry-access", registries=[{"host": registry}], namespaces=[namespace])

# From here on, whatever declares a workload.
pulls = explicit_image_pulls(access)

Chart("storefront", chart="./chart", namespace=namespace, values={"registry": registry})

ConfigGroup(
    "batch",
    yaml=f"""
apiVersion: batch/v1
kind: Job
metadata: {{name: migrate, namespace: {namespace}}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{{name: migrate, image: "{registry}/shop/web:1.0", command: ["true"]}}]
""",
)

api = Deployment("api", image=f"{registry}/shop/api:latest", port=8080, namespace=namespace, access=access)

pulumi.export("imagePullPlan", image_pull_plan(api, pulls, access=[access]))
