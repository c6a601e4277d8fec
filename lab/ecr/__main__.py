"""`python -m lab.ecr --config FILE`: serve ECR by a file that `EcrConfig.write` wrote, until SIGTERM."""

import argparse
import sys
from pathlib import Path

from lab.ecr.config import EcrConfig
from lab.errors import LabError


def main() -> int:
    """Run the process; 1 when it could not start or had to give up, with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="python -m lab.ecr", description="ECR and its registries on loopback ports.")
    parser.add_argument("--config", type=Path, required=True, help="JSON file of the settings, mode 0600")
    try:
        config = EcrConfig.read(parser.parse_args().config)
        from lab.ecr.server import serve

        serve(config)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
