"""`imagepull renew`: renews the ECR tokens in pull Secrets that are there, without Pulumi.

Only what is due is renewed, in place. Status 0: all is well. Status 1: something could not be renewed, and a line says
what, why and what to do. Status 2: a wrong call, or a document that cannot be read.
"""

import argparse
import asyncio
import base64
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imagepull.cli.parsers import Subparsers
from imagepull.errors import ClusterError, InvalidInput, Problem
from imagepull.redaction import redact
from imagepull.renewal.cron_job import DIGEST_KEY_NAME
from imagepull.renewal.document import DIGEST_KEY_VARIABLE, FILE_NAME
from imagepull.renewal.state import make_document

if TYPE_CHECKING:
    from imagepull.kubernetes.client import Cluster
    from imagepull.renewal.report import RenewalEvent

__all__ = ["add"]

_EXAMPLES: Final = """\
examples:
  imagepull renew --stack prod                   what the state of the stack names, from a CI job or a timer
  imagepull renew -n shop                        the stack selected here, in one namespace only
  imagepull renew --config-map team/web-renewal  what the CronJob of `renewal: cronJob` reads
  imagepull renew renewal.json --dry-run         a document in a file; nothing is asked of AWS, nothing written
"""


def add(subparsers: Subparsers) -> None:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "renew",
        help="renew the ECR tokens in pull Secrets, where due",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("file", metavar="FILE", nargs="?", help="renewal document; - for standard input")
    source.add_argument("--stack", help="stack of the Pulumi project here. Default without FILE: the selected one")
    source.add_argument("--config-map", metavar="NAMESPACE/NAME", help="ConfigMap that holds the document")
    parser.add_argument(
        "-n", "--namespace", action="append", metavar="NAMESPACE", help="only this namespace; may be given repeatedly"
    )
    parser.add_argument("--now", action="store_true", help="renew also what is not due yet")
    parser.add_argument("--dry-run", action="store_true", help="say what is due; ask nothing of AWS, write nothing")
    parser.add_argument("--json", action="store_true", help="print a JSON object per line, for log collectors")
    parser.add_argument("--kubeconfig", help="path of a kubeconfig. Default: as kubectl finds it")
    parser.add_argument("--context", help="context in it. Default: the current one")
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace) -> int:
    return asyncio.run(_renew(given))


async def _renew(given: argparse.Namespace) -> int:
    # Lazily: the other subcommands need no client of a cluster.
    from imagepull.kubernetes.client import Cluster
    from imagepull.registries.ecr_tokens import TokenSource
    from imagepull.renewal import document, renewer
    from imagepull.renewal.report import RenewalEvent, make_events

    cluster = Cluster.connect(given.kubeconfig, given.context)
    try:
        text = await _read_config_map(given.config_map, cluster) if given.config_map else _read_document(given)
        secrets = document.add_digest_key(document.parse(text), await _find_digest_key(given.config_map, cluster))
        options = renewer.Options(
            namespaces=None if given.namespace is None else frozenset(given.namespace),
            now=given.now,
            dry_run=given.dry_run,
        )
        results = await renewer.renew(cluster, TokenSource(), secrets, options)
        events = [event for result in results for event in make_events(result, dry_run=given.dry_run)]
    except ClusterError as error:
        events = [RenewalEvent(event="failed", sentence=str(error))]
    finally:
        await cluster.close()
    for event in events:
        _print(event, as_json=given.json)
    return 1 if any(event.is_failure for event in events) else 0


def _print(event: "RenewalEvent", *, as_json: bool) -> None:
    if as_json:
        print(event.as_json(datetime.now(UTC)))
    else:
        print(event.as_line(), file=sys.stderr if event.is_failure else sys.stdout)


def _read_document(given: argparse.Namespace) -> str:
    """The text of the document in the file or the stack that the arguments name."""
    if given.file is not None:
        return sys.stdin.read() if given.file == "-" else Path(given.file).read_text(encoding="utf-8")
    return make_document(_export_state(given.stack))


async def _read_config_map(place: str, cluster: "Cluster") -> str:
    from imagepull.kubernetes.kinds import KINDS

    namespace, slash, name = place.partition("/")
    if not slash or not name:
        raise InvalidInput([Problem(path="--config-map", reason=f"is {place!r}; write NAMESPACE/NAME")])
    found = await cluster.get(KINDS["ConfigMap"], name, namespace)
    if found is None or FILE_NAME not in found.read_texts("data"):
        reason = f"there is no ConfigMap {name} with a key {FILE_NAME} in namespace {namespace}"
        raise InvalidInput([Problem(path="--config-map", reason=f"{reason}; run `pulumi up`, or correct the name")])
    return found.read_texts("data")[FILE_NAME]


async def _find_digest_key(place: str | None, cluster: "Cluster") -> str | None:
    """The key in the environment, else that in the Secret beside a ConfigMap."""
    from imagepull.kubernetes.kinds import SECRET

    if (key := os.environ.get(DIGEST_KEY_VARIABLE)) or place is None:
        return key or None
    namespace, _, name = place.partition("/")
    found = await cluster.get(SECRET, name, namespace)
    value = None if found is None else found.read_texts("data").get(DIGEST_KEY_NAME)
    return None if value is None else base64.b64decode(value).decode(errors="replace")


def _export_state(stack: str | None) -> str:
    selected = [] if stack is None else ["--stack", stack]
    command = ["pulumi", "stack", "export", "--show-secrets", "--non-interactive", *selected]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        reason = "needs the command pulumi on PATH; install it, or give FILE or --config-map"
        raise InvalidInput([Problem(path="--stack", reason=reason)]) from None
    if done.returncode != 0:
        # What pulumi prints on stderr names the stack or the backend; the state goes to stdout only.
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1].removeprefix("error: ")
        raise InvalidInput([Problem(path="--stack", reason=f"`pulumi stack export` fails: {redact(said)}")])
    return done.stdout
