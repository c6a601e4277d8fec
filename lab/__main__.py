"""The lab's command: `python -m lab up | down | status | env | logs | token-life | fault | toolchain | ...`."""

import argparse
import sys
from collections.abc import Sequence

from imagepull.registries.lifetimes import DURATION, parse_seconds
from lab import debian, demo, environment, lifecycle
from lab.ecr.faults import FaultMode
from lab.errors import LabError
from lab.layout import DEFAULT_NAME, format_command, list_names, load, load_existing
from lab.processes import ProcessTable
from lab.progress import say, step


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code: 0, or 1 when a step failed (and stderr says which, where its log is, what to do).
    """
    options = _make_parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    return 1


def _bring_up(options: argparse.Namespace) -> int:
    with step(f"lab {options.name}"):
        lifecycle.up(options.name)
    say(f'use it: eval "$({format_command("env", options.name)})"      stop it: {format_command("down", options.name)}')
    return 0


def _take_down(options: argparse.Namespace) -> int:
    for name in list_names() if options.all else [options.name]:
        say(f"lab {name}: {'down' if lifecycle.down(name) else 'there is none'}")
    return 0


def _print_status(options: argparse.Namespace) -> int:
    for name in list_names():
        layout = load(name)
        if layout is None:
            continue
        lab = lifecycle.Lab(layout)
        print(f"lab {name}  {layout.folder}")
        for process in lab.processes.all():
            print(f"  {process.name:<26} {'running' if process.alive else 'ENDED':<8} pid {process.pid}")
        for host, port in layout.ports.registries.items():
            print(f"  {host}  at 127.0.0.1:{port}")
        if lab.without:
            print(f"  no node: {lab.without}")
    if not list_names():
        print("no lab is up: python -m lab up")
    return 0


def _print_env(options: argparse.Namespace) -> int:
    layout = load_existing(options.name)
    print(environment.format_shell_exports(layout))
    return 0


def _provide_toolchain(options: argparse.Namespace) -> int:
    for name, file in lifecycle.prepare(options.programs or None).items():
        print(f"{name:<28} {file}")
    return 0


def _provide_browser(options: argparse.Namespace) -> int:
    try:
        debian.provide_browser()
    except LabError as error:
        say(f"the tests of pages will be skipped: {error}")
    return 0


def _print_log(options: argparse.Namespace) -> int:
    layout = load_existing(options.name)
    folder = layout.folder / "logs"
    log = ProcessTable(layout.folder / "processes", folder).log(options.process)
    if not log.exists():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.log")))
        raise LabError(f"no process {options.process!r} has a log", hint=f"one of: {known}")
    sys.stdout.write(log.read_text(errors="replace"))
    return 0


def _set_token_life(options: argparse.Namespace) -> int:
    if not DURATION.admits(options.life):
        raise LabError(f"no life of a token: {options.life!r}", hint=f"write {DURATION.expected}")
    lifecycle.Lab(load_existing(options.name)).ecr.set_token_lifetime(parse_seconds(options.life))
    say(f"tokens issued from now on live {options.life}; 12h is ECR's own")
    return 0


def _set_fault(options: argparse.Namespace) -> int:
    mode = FaultMode(options.mode)
    lifecycle.Lab(load_existing(options.name)).ecr.set_fault(mode, region=options.region, count=options.count)
    mended = f"mend it: {format_command('fault none', options.name)}"
    say("ECR works" if mode is FaultMode.NONE else f"GetAuthorizationToken fails: {mode}      {mended}")
    return 0


def _run_demo(options: argparse.Namespace) -> int:
    return demo.run(options.name)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def add(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.add_argument("--name", default=DEFAULT_NAME, help="which lab; several side by side do not collide")
        added.set_defaults(run=run)
        return added

    add("up", _bring_up, "bring a lab up (a second time: find it up)")
    down = add("down", _take_down, "take a lab down and remove everything that it made")
    down.add_argument("--all", action="store_true", help="every lab of this checkout")
    add("status", _print_status, "which labs are up, their processes and registries")
    add("env", _print_env, "print exports for a shell that is to use the lab")
    toolchain = add("toolchain", _provide_toolchain, "install, find or build the programs that the lab runs")
    add("browser", _provide_browser, "install the browser in which pages are tested")
    toolchain.add_argument("programs", nargs="*", help="which ones; all when left out")
    logs = add("logs", _print_log, "print the log of one of the lab's processes")
    logs.add_argument("process", help="its name, as `status` lists them; also containerd, kubelet")
    token_life = add("token-life", _set_token_life, "how long ECR's tokens live that are issued from now on")
    token_life.add_argument("life", help="such as 40s, 90m, 12h")
    fault = add("fault", _set_fault, "make ECR's GetAuthorizationToken fail, until `fault none`")
    fault.add_argument("mode", choices=[mode.value for mode in FaultMode], help="how")
    fault.add_argument("--region", help="only calls to this region")
    fault.add_argument("--count", type=int, help="only so many calls; an SDK's retries count")
    add("demo", _run_demo, "bring the lab up and run the main job: private images, pulled through `pulumi up`")
    return parser


if __name__ == "__main__":
    sys.exit(main())
