"""The plugin as one executable: what `.ci/frozen.spec` freezes."""

from imagepull.provider import main

main()
