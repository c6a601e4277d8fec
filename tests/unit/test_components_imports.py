"""What importing the components costs: it is on the path of every preview."""

import subprocess
import sys


def test_what_a_preview_may_not_need_is_not_loaded() -> None:
    code = "import sys, components; print({'pulumi_kubernetes', 'boto3', 'aiohttp'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_an_access_that_pulumi_renews_loads_no_other_way_of_renewal() -> None:
    renewal = ("cron_job", "document", "external_secrets", "node", "renewer_plan", "schedule", "settings")
    others = {*(f"imagepull.renewal.{name}" for name in renewal), "components.plan", "imagepull.registries.aws_errors"}
    code = f"import sys; from components import RegistryAccess; print({others} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
