"""What the package declares, from the folder `components/`: the only module of the provider that names that folder.

In the wheel the folder is `imagepull.components`, and the build writes that name here (`hatch_build.py`).
"""

from components import kinds, pull_watch, registry_access, resources, rules_args, workload_args

__all__ = ["kinds", "pull_watch", "registry_access", "resources", "rules_args", "workload_args"]
