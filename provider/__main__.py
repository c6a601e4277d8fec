"""The plugin `imagepull`, as Pulumi starts it: from this folder, with the engine's address as its argument."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from provider import main

main()
