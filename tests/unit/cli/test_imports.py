"""What `imagepull renew` loads: the renewer's image has nothing else."""

import subprocess
import sys

from lab.python_image import LEFT_OUT

WITHOUT = """\
import sys
sys.modules.update(dict.fromkeys(sys.argv[1:]))  # `import` of a module that is None fails
import imagepull.renewal.renewer
from imagepull.cli import main
try:
    main(["renew", "--help"])
except SystemExit as ended:
    sys.exit(ended.code)
"""


def test_the_command_starts_without_what_the_image_of_the_renewer_leaves_out() -> None:
    modules = [name.lower() for name in LEFT_OUT]

    done = subprocess.run([sys.executable, "-c", WITHOUT, *modules], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "--dry-run" in done.stdout


def test_a_command_loads_no_module_of_the_others() -> None:
    code = "import sys, imagepull.cli as cli; cli.make_parser('renew'); print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "imagepull.cli.renew" in done.stdout.split()
    assert "imagepull.cli.comment" not in done.stdout.split()


def test_the_check_notices_a_module_that_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT, "aiohttp"], capture_output=True, text=True, check=False)

    assert "ModuleNotFoundError" in done.stderr
