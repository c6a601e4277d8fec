"""What is built, from which Go module, at which version: the one place that names them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CRDS",
    "KUBERNETES_PLUGIN_VERSION",
    "KUBERNETES_VERSIONS",
    "MODULES",
    "PULUMI_VERSION",
    "USUAL_KUBERNETES",
    "Module",
    "Program",
    "choose_modules",
]

USUAL_KUBERNETES = "1.36"
KUBERNETES_VERSIONS = {USUAL_KUBERNETES: "v1.36.3", "1.30": "v1.30.14"}
"""The Kubernetes versions that the lab can run. 1.30 is the oldest that imagepull supports."""
KUBERNETES_PLUGIN_VERSION = "4.27.0"
PULUMI_VERSION = "v3.259.0"
CRDS = "config/crds/bases"  # of External Secrets Operator, in its module


@dataclass(frozen=True, kw_only=True)
class Program:
    """One executable.

    Attributes:
        name: the file's name.
        package: the Go package that is its `main`; "." for the module's own.
        link: linker flags beside `-s -w`.
        minimum: the oldest version that is taken from PATH; None = what is on PATH is never taken.
        version_command: arguments that make it print its version.
        beside: taken from PATH only when this other program is, too, and from the same folder.
    """

    name: str
    package: str
    link: str = ""
    minimum: tuple[int, ...] | None = None
    version_command: tuple[str, ...] = ("--version",)
    beside: str | None = None


@dataclass(frozen=True, kw_only=True)
class Module:
    """A Go module and the programs that are built from it.

    Attributes:
        name: its folder, beside this file.
        programs: what is built.
        scripts: files taken as they are out of another module, as (module, path in it).
        embeds: the same, put beside `main.go` before it is built.
        copied: a module that is built in a copy of itself, because some of its own files are replaced.
        replaces: the files replaced there, as (file of this folder, path in the copy).
        folders: folders of data taken out of another module, as (module, path in it); they end up beside the programs.
    """

    name: str
    programs: tuple[Program, ...]
    scripts: tuple[tuple[str, str], ...] = ()
    embeds: tuple[tuple[str, str], ...] = ()
    copied: str | None = None
    replaces: tuple[tuple[str, str], ...] = ()
    folders: tuple[tuple[str, str], ...] = ()

    @property
    def folder(self) -> Path:
        """Where its `go.mod` is."""
        return Path(__file__).parent / self.name


_SERVERS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet")


def _make_kubernetes_module(minor: str, names: Sequence[str]) -> Module:
    """Programs of one Kubernetes. On PATH may be any version, so an older Kubernetes is never taken from there."""
    usual = minor == USUAL_KUBERNETES
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    version, number = KUBERNETES_VERSIONS[minor], minor.partition(".")[2]
    flags = " ".join(f"-X {p}.gitVersion={version} -X {p}.gitMajor=1 -X {p}.gitMinor={number}" for p in packages)
    return Module(
        name="kubernetes" if usual else f"kubernetes-{minor}",
        programs=tuple(
            Program(
                name=name,
                package=f"k8s.io/kubernetes/cmd/{name}",
                link=flags,
                minimum=(1, int(number)) if usual else None,
                version_command=("version", "--client") if name == "kubectl" else ("--version",),
            )
            for name in names
        ),
    )


_SDK = "github.com/pulumi/pulumi/sdk"
_OPERATOR = "github.com/external-secrets/external-secrets"
_PLUGIN = "github.com/pulumi/pulumi-kubernetes/provider/v4"
_NABSUL = "github.com/nabsul/k8s-ecr-login-renew"

MODULES = (
    Module(
        name="pulumi",
        programs=(
            Program(
                name="pulumi",
                package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
                link=f"-X {_SDK}/v3/go/common/version.Version={PULUMI_VERSION}",
                minimum=(3, 259),
                version_command=("version",),
            ),
        ),
        scripts=(
            (f"{_SDK}/v3", "python/cmd/pulumi-language-python-exec"),
            (f"{_SDK}/v3", "python/dist/pulumi-resource-pulumi-python"),
        ),
    ),
    Module(
        name="pulumi-language-hosts",
        programs=tuple(
            Program(name=f"pulumi-language-{language}", package=f"{_SDK}/{package}/v3", minimum=(), beside="pulumi")
            for language, package in (
                ("python", "python/cmd/pulumi-language-python"),
                ("nodejs", "nodejs/cmd/pulumi-language-nodejs"),
                ("go", "go/pulumi-language-go"),
            )
        ),
    ),
    Module(
        name="pulumi-language-yaml",
        programs=(
            Program(
                name="pulumi-language-yaml",
                package="github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
                minimum=(),
                beside="pulumi",
            ),
        ),
    ),
    Module(name="etcd", programs=(Program(name="etcd", package="go.etcd.io/etcd/server/v3", minimum=(3, 5)),)),
    _make_kubernetes_module(USUAL_KUBERNETES, (*_SERVERS, "kubectl")),
    Module(
        name="pulumi-resource-kubernetes",
        programs=(
            Program(
                name="pulumi-resource-kubernetes",
                package=".",
                link=f"-X main.version={KUBERNETES_PLUGIN_VERSION}",
            ),
        ),
        embeds=tuple(
            (_PLUGIN, f"cmd/pulumi-resource-kubernetes/{file}") for file in ("schema.json", "terraform-mapping.json")
        ),
    ),
    Module(
        name="ecr-credential-provider",
        programs=(
            Program(name="ecr-credential-provider", package="k8s.io/cloud-provider-aws/cmd/ecr-credential-provider"),
        ),
    ),
    Module(
        name="promtool",
        programs=(Program(name="promtool", package="github.com/prometheus/prometheus/cmd/promtool", minimum=(3, 0)),),
    ),
    Module(
        # Newer releases are split into nested modules that the Go proxy does not serve. Of its forty providers, whose
        # dependencies take a quarter of an hour to build, the lab's copy has only those that tests use.
        name="external-secrets",
        programs=(Program(name="external-secrets", package=_OPERATOR),),
        copied=_OPERATOR,
        replaces=(
            ("providers.go", "pkg/provider/register/register.go"),
            ("generators.go", "pkg/generator/register/register.go"),
        ),
        folders=((_OPERATOR, CRDS),),
    ),
    Module(
        # For benchmarks/renewal.py only.
        name="k8s-ecr-login-renew",
        programs=(Program(name="k8s-ecr-login-renew", package=_NABSUL),),
        copied=_NABSUL,
        replaces=(("aws.go", "src/aws/aws.go"),),
    ),
)


def choose_modules(minor: str) -> tuple[Module, ...]:
    """The table with the servers of this Kubernetes, one of `KUBERNETES_VERSIONS`; kubectl is always the usual one."""
    if minor == USUAL_KUBERNETES:
        return MODULES
    others = tuple(module for module in MODULES if module.name != "kubernetes")
    client = _make_kubernetes_module(USUAL_KUBERNETES, ("kubectl",))
    return (*others, client, _make_kubernetes_module(minor, _SERVERS))
