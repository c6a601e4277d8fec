"""What importing the components costs: it is on the path of every preview."""

import subprocess
import sys


def test_what_a_preview_may_not_need_is_not_loaded() -> None:
    code = "import sys, components; print({'pulumi_kubernetes', 'boto3', 'aiohttp'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
