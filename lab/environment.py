"""The variables with which any shell, test or Pulumi program uses a lab."""

import errno
import os
import shlex
import shutil
from pathlib import Path

from lab.layout import Layout
from lab.network import PodNetwork
from lab.toolchain.cache import find_cache_folder

__all__ = [
    "format_shell_exports",
    "hard_link",
    "link_programs",
    "make_pod_variables",
    "make_process_environment",
    "make_variables",
]

# Of the person's own set-up: they would lead away from the lab.
_UNWANTED = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "PULUMI_ACCESS_TOKEN")


def make_variables(layout: Layout) -> dict[str, str]:
    """Name of each variable to its value; PATH has the lab's programs in front."""
    folder = layout.folder
    endpoint = f"http://127.0.0.1:{layout.ports.ecr}"
    return {
        "PATH": os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", os.defpath)]),
        "KUBECONFIG": str(layout.kubeconfig),
        "PULUMI_HOME": str(folder / "pulumi-home"),
        "PULUMI_BACKEND_URL": f"file://{folder / 'pulumi-state'}",
        # Known to all: it belongs to the salt in stacks/Pulumi.local.yaml, and guards nothing that outlives the lab.
        "PULUMI_CONFIG_PASSPHRASE": "lab",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "AWS_ENDPOINT_URL_ECR": endpoint,
        "AWS_ENDPOINT_URL_ECR_PUBLIC": endpoint,
        "AWS_ENDPOINT_URL_STS": endpoint,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "lab",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",  # the one that boto3 reads
        "AWS_CONFIG_FILE": str(folder / "aws" / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "aws" / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def make_pod_variables(layout: Layout, network: PodNetwork) -> dict[str, str]:
    """The variables with which a Pod asks the lab's ECR and STS: the relay listens on the bridge's address."""
    endpoint = f"http://{network.bridge_address}:{layout.ports.ecr}"
    return {
        "AWS_ENDPOINT_URL_ECR": endpoint,
        "AWS_ENDPOINT_URL_ECR_PUBLIC": endpoint,
        "AWS_ENDPOINT_URL_STS": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def make_process_environment(layout: Layout) -> dict[str, str]:
    """This process's environment, changed so that programs started with it use the lab."""
    kept = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    return kept | make_variables(layout)


def format_shell_exports(layout: Layout) -> str:
    """Lines for `eval "$(python -m lab env)"`."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in make_variables(layout).items() if name != "PATH"]
    lines.append(f'export PATH={shlex.quote(str(layout.folder / "bin"))}:"$PATH"')
    lines.append(f"unset {' '.join(_UNWANTED)}")
    return "\n".join(lines)


def link_programs(layout: Layout, programs: dict[str, Path]) -> None:
    """Put the lab's programs into its `bin` folder, which is on PATH for whoever uses the lab.

    Pulumi's programs look for one another beside where they really are. Those that were built lie in a folder for each
    module, so `bin` has them as hard links; those from PATH lie where they belong, so it has links to them.
    """
    folder = layout.folder / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in programs.items():
        # On PATH, Pulumi would warn of the plugin at every command; it is installed into PULUMI_HOME instead.
        if name != "pulumi-resource-kubernetes":
            if file.is_relative_to(find_cache_folder()):
                hard_link(file, folder / name)
            else:
                (folder / name).symlink_to(file)


def hard_link(file: Path, link: Path) -> None:
    """Give a file a second name; a copy where the two places are on different file systems."""
    try:
        link.hardlink_to(file)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copy2(file, link)
