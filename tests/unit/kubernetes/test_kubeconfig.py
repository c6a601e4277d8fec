"""Which cluster, as whom; each fault one clear sentence."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagepull.errors import ClusterError
from imagepull.kubernetes import kubeconfig


def document(**changes: Any) -> dict[str, Any]:
    return {
        "current-context": "dev",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "s3cr3t"}}],
        "contexts": [
            {"name": "dev", "context": {"cluster": "c", "user": "u"}},
            {"name": "prod", "context": {"cluster": "c", "user": "u"}},
            {"name": "loose", "context": {"cluster": "gone", "user": "u"}},
            {"name": "nobody", "context": {"cluster": "c", "user": "gone"}},
        ],
        **changes,
    }


TEXT = yaml.safe_dump(document())


@pytest.mark.parametrize("text", [TEXT, json.dumps(document())])
def test_text_and_path_are_told_apart(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    assert kubeconfig.load(text, None).cluster == kubeconfig.load(str(path), None).cluster


def test_the_context_asked_for_wins_over_the_current_one() -> None:
    assert kubeconfig.load(TEXT, None).name == "dev"
    assert kubeconfig.load(TEXT, "prod").name == "prod"


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No kubeconfig in any usual place."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_usual_places_are_looked_into(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = nowhere / ".kube" / "config"
    usual.parent.mkdir()
    usual.write_text(TEXT)
    assert kubeconfig.load(None, None).name == "dev"
    other = nowhere / "other"
    other.write_text(yaml.safe_dump(document(**{"current-context": "prod"})))
    monkeypatch.setenv("KUBECONFIG", f"{nowhere / 'absent'}:{other}:{usual}")
    assert kubeconfig.load(None, None).name == "prod"


def test_a_context_is_taken_from_the_file_that_has_it(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "a").write_text(TEXT)
    extra = document(
        contexts=[{"name": "extra", "context": {"cluster": "c", "user": "u"}}],
        clusters=[{"name": "c", "cluster": {"server": "https://other:6443/"}}],
    )
    (nowhere / "b").write_text(yaml.safe_dump(extra))
    monkeypatch.setenv("KUBECONFIG", f"{nowhere / 'a'}:{nowhere / 'b'}")
    assert kubeconfig.load(None, "extra").cluster.server == "https://other:6443"


def test_no_kubeconfig_anywhere_says_where_it_was_looked_for(nowhere: Path) -> None:
    with pytest.raises(ClusterError, match=r"no file .*/\.kube/config, and this is no Pod; set KUBECONFIG, or "):
        kubeconfig.load(None, None)


@pytest.mark.parametrize(
    ("text", "context", "says"),
    [
        ("/nowhere/config", None, "there is no file /nowhere/config"),
        (base64.b64encode(TEXT.encode()).decode(), None, "there is no file [redacted]; give the path of one"),
        (TEXT, "staging", "has no context staging; set the context to one of: dev, loose, nobody, prod"),
        (yaml.safe_dump(document(**{"current-context": ""})), None, "has no current context"),
        (TEXT, "loose", "names the cluster gone"),
        (TEXT, "nobody", "names the user gone"),
        ("a: b: s3cr3t\n", None, "is no YAML (line 1)"),
        ("\n- s3cr3t\n", None, "lacks clusters, contexts or users"),
        ("\n5", None, "lacks clusters, contexts or users"),
        (
            yaml.safe_dump(document(users=[{"name": "u", "user": {"token": ["s3cr3t"]}}])),
            None,
            "user u.token: is not a text",
        ),
        (f"clusters:\n{'[' * 9000}", None, "is no YAML"),
        (yaml.safe_dump(document(users=["s3cr3t"])), None, "lacks clusters, contexts or users"),
    ],
)
def test_each_fault_is_one_sentence_without_a_secret(text: str, context: str | None, says: str) -> None:
    with pytest.raises(ClusterError) as caught:
        kubeconfig.load(text, context)
    message = str(caught.value)
    assert says in message
    assert "s3cr3t" not in message
    assert "\n" not in message


def test_a_context_names_the_namespace_to_look_into() -> None:
    contexts = [{"name": "dev", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}]
    assert kubeconfig.load(yaml.safe_dump(document(contexts=contexts)), None).namespace == "shop"
    assert kubeconfig.load(TEXT, None).namespace == "default"
