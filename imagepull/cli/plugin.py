"""`imagepull plugin` and `imagepull template`: what a project needs to start the plugin, and projects to begin with."""

import argparse
from pathlib import Path

from imagepull.cli.parsers import Subparsers
from imagepull.install import templates

__all__ = ["add"]


def add(subparsers: Subparsers) -> None:
    """Declare the subcommands."""
    plugin = subparsers.add_parser("plugin", help="write what starts the plugin", description=__doc__)
    actions = plugin.add_subparsers(metavar="ACTION", required=True)
    folder = actions.add_parser(
        "folder",
        help="write plugins/imagepull into a Python project",
        description="Writes the folder by which Pulumi starts the plugin from the project's own .venv.",
    )
    folder.add_argument("project", metavar="PROJECT", nargs="?", type=Path, default=Path(), help="default: this folder")
    folder.set_defaults(run=_write_folder)
    archive = actions.add_parser(
        "archive",
        help="write the archives from which Pulumi installs the plugin",
        description="Writes one archive for each platform, to be served by HTTPS or attached to a GitHub release.",
    )
    archive.add_argument("wheel", metavar="WHEEL", type=Path, help="the wheel of imagepull, as it was built")
    archive.add_argument("--to", metavar="FOLDER", type=Path, default=Path("dist"), help="default: %(default)s")
    archive.set_defaults(run=_write_archives)
    template = subparsers.add_parser(
        "template",
        help="print the folder of a project to begin with",
        description='Prints the folder of a template, for: pulumi new "$(imagepull template python)"',
    )
    template.add_argument("name", metavar="NAME", choices=templates.TEMPLATES, help=" or ".join(templates.TEMPLATES))
    template.set_defaults(run=_print_template)


def _write_folder(given: argparse.Namespace) -> int:
    folder = templates.write_plugin_folder(given.project)
    print(
        f"{folder}: written. In Pulumi.yaml write:\n"
        "plugins:\n  providers:\n    - name: imagepull\n      path: plugins/imagepull"
    )
    return 0


def _write_archives(given: argparse.Namespace) -> int:
    from imagepull.install.archive import write_archives

    for file in write_archives(given.wheel, given.to):
        print(file)
    return 0


def _print_template(given: argparse.Namespace) -> int:
    print(templates.find_template(given.name))
    return 0
