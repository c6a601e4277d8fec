"""The first process of the node's namespaces: `python -m lab.node.init SETTINGS`.

It hides from the machine what containerd and the kubelet write outside their folders, starts the two, and ends when
either ends; the kernel then ends everything else in the namespace. A kubelet whose flags were changed in the settings
before it ended is started again instead.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.node import config
from lab.processes import wait_until

__all__ = ["main"]


def main(settings_file: str) -> int:
    """Run the node until one of its two daemons ends.

    Returns:
        The exit code: always a failure, for a node that ends by itself is one.
    """
    settings = config.Settings.read(Path(settings_file))
    folder = Path(settings.folder)
    _hide_from_machine(folder)
    snapshotter = _write_configuration(settings)
    containerd = _start(["containerd", "--config", folder / "containerd.toml"], settings.containerd_log)
    ctr: list[str | Path] = ["ctr", "--address", settings.socket, "--namespace", "k8s.io"]
    if not wait_until(lambda: _succeeds([*ctr, "version"]), timeout=30):
        print("containerd does not answer", flush=True)
        return 1
    _run([*ctr, "images", "import", "--snapshotter", snapshotter, settings.pause_image])
    kubelet = _start_kubelet(settings)
    while True:
        # As first process it is given the orphans of all others, too, and has to collect them.
        ended, status = os.wait()
        told = config.Settings.read(Path(settings_file))
        if ended == kubelet.pid and told != settings:
            settings, kubelet = told, _start_kubelet(told)
        elif ended in (containerd.pid, kubelet.pid):
            name = "kubelet" if ended == kubelet.pid else "containerd"
            print(f"{name} ended: exit code {os.waitstatus_to_exitcode(status)}", flush=True)
            return 1


def _start_kubelet(settings: config.Settings) -> subprocess.Popen[bytes]:
    folder = Path(settings.folder)
    return _start(
        [
            settings.kubelet,
            f"--config={folder / 'kubelet.yaml'}",
            f"--kubeconfig={settings.kubeconfig}",
            f"--hostname-override={settings.name}",
            f"--node-ip={settings.address}",
            f"--root-dir={folder / 'kubelet'}",
            *settings.kubelet_flags,
        ],
        settings.kubelet_log,
        env={**os.environ, **settings.kubelet_env},
    )


def _hide_from_machine(folder: Path) -> None:
    """Make every place outside `folder` that the two write to one of this namespace only."""
    _run(["mount", "--make-rshared", "/"])
    _run(["mount", "-t", "tmpfs", "tmpfs", "/run"])
    for place in ("/var/lib", "/var/log"):
        upper, work = f"/run/upper{place}", f"/run/work{place}"
        for made in (upper, work):
            Path(made).mkdir(parents=True)
        if folder.is_relative_to(place):
            raise SystemExit(f"a lab cannot live below {place}: {folder}")
        _run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={place},upperdir={upper},workdir={work}", place])
    for name, value in config.KERNEL_SETTINGS.items():
        # The kubelet changes the machine's own settings where they differ: it finds them as it wants them.
        told = Path("/run/sysctl", name)
        told.parent.mkdir(parents=True, exist_ok=True)
        told.write_text(f"{value}\n")
        setting = Path("/proc/sys", name)
        if setting.exists():
            _run(["mount", "--bind", told, setting])


def _write_configuration(settings: config.Settings) -> str:
    """Write every file; returns the snapshotter that works here."""
    folder = Path(settings.folder)
    (folder / "resolv.conf").write_text("")
    snapshotter = "overlayfs" if _can_overlay(folder) else "native"
    (folder / "containerd.toml").write_text(config.make_containerd_config(settings, snapshotter=snapshotter))
    (folder / "kubelet.yaml").write_text(config.make_kubelet_config(settings))
    (folder / "cni").mkdir(exist_ok=True)
    (folder / "cni" / "10-bridge.conflist").write_text(config.make_cni_config(settings))
    for host, port in settings.registries.items():
        (folder / "registries" / host).mkdir(parents=True, exist_ok=True)
        (folder / "registries" / host / "hosts.toml").write_text(config.make_registry_config(port))
    return snapshotter


def _can_overlay(folder: Path) -> bool:
    """Whether the file system that holds the lab can be under an overlay (another overlay cannot)."""
    places = {name: folder / "overlay-check" / name for name in ("lowerdir", "upperdir", "workdir", "merged")}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    merged = places.pop("merged")
    options = ",".join(f"{name}={place}" for name, place in places.items())
    if not _succeeds(["mount", "-t", "overlay", "overlay", "-o", options, merged]):
        return False
    _run(["umount", merged])
    return True


def _start(command: Sequence[str | Path], log: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    with Path(log).open("ab") as out:
        return subprocess.Popen([str(part) for part in command], stdout=out, stderr=subprocess.STDOUT, env=env)


def _run(command: Sequence[str | Path]) -> None:
    subprocess.run([str(part) for part in command], check=True)


def _succeeds(command: Sequence[str | Path]) -> bool:
    return subprocess.run([str(part) for part in command], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
