"""`python -m imagepull`: see `imagepull.cli`."""

import sys

from imagepull.cli import main

sys.exit(main(sys.argv[1:]))
