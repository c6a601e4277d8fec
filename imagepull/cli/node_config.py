"""`imagepull node-config`: what nodes and cluster need so that the kubelet opens ECR images itself, without Secrets.

Prints the kubelet's CredentialProviderConfig for these registries, with where it belongs; `--rights` prints the
ClusterRole that goes with `--role-arn` instead.
"""

import argparse
from typing import Any

import yaml

from imagepull.errors import InvalidInput, Problem
from imagepull.renewal import node
from imagepull.renewal.node import Distribution
from imagepull.renewal.settings import parse_node

__all__ = ["add"]


def add(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "node-config", help="print the kubelet's configuration for renewal 'node'", description=__doc__
    )
    parser.add_argument(
        "hosts", metavar="HOST", nargs="+", help="ECR registry: 123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    )
    parser.add_argument("--role-arn", help="IAM role of annotated ServiceAccounts; default: the node's own role")
    parser.add_argument(
        "--for",
        dest="distribution",
        choices=[each.value for each in Distribution],
        help="say where it belongs on such nodes; default: the configuration alone",
    )
    parser.add_argument("--rights", action="store_true", help="print ClusterRole and ClusterRoleBinding for --role-arn")
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace) -> int:
    settings = parse_node({"roleArn": given.role_arn} if given.role_arn else {})
    unfit = node.find_unfit_registries([{"host": host} for host in given.hosts])
    if given.rights and settings.role_arn is None:
        raise InvalidInput(
            [
                Problem(
                    path="--rights", reason="goes with --role-arn: the node's own role needs no rights in the cluster"
                )
            ]
        )
    if unfit:
        raise InvalidInput(unfit)
    if given.rights:
        text = yaml.safe_dump_all(node.make_audience_rights(), sort_keys=False)
    elif given.distribution:
        text = node.describe_placement(Distribution(given.distribution), given.hosts, settings)
    else:
        text = node.make_credential_provider_config(given.hosts, settings)
    print(text, end="")
    return 0
