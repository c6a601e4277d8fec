"""`imagepull.renewal.operator_source`: what the operator says of a source, in our words."""

import pytest

from imagepull.registry_secret import spec as registry_secret
from imagepull.renewal import external_secrets
from imagepull.renewal.operator_source import SourceState, explain_failure, read_state
from imagepull.renewal.settings import ExternalSecretsSettings

EU = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
US = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
REGISTRIES = registry_secret.parse(
    {"name": "any", "registries": [{"host": US}, {"host": EU}]}, required=False
).registries
SOURCE = external_secrets.make_objects(ExternalSecretsSettings(), "pull", REGISTRIES, ["a"], {}).source
SAID = "error processing spec.dataFrom[{}].sourceRef.generatorRef, err: error using generator: unable to get token: {}"
DENIED = (
    "operation error ECR: GetAuthorizationToken, https response error StatusCode: 400, RequestID: , api error"
    " AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/x is not authorized"
)
NO_ANSWER = "operation error ECR: GetAuthorizationToken, https response error StatusCode: 0, request send failed, EOF"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (SAID.format(0, DENIED), f"registry {US}: External Secrets Operator cannot fetch the token: access denied"),
        (SAID.format(1, NO_ANSWER), f"registry {EU}: External Secrets Operator cannot fetch the token: AWS cannot be"),
        (SAID.format(1, "something new"), f"registry {EU}: External Secrets Operator cannot fetch the token: error"),
        ("", "Secret pull: External Secrets Operator cannot fetch the token; see kubectl describe externalsecret pull"),
    ],
)
def test_a_failure_names_registry_and_cause(said: str, sentence: str) -> None:
    assert explain_failure("pull", "pull-source", said, SOURCE).startswith(sentence)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({}, SourceState.PENDING),
        ({"conditions": [{"type": "Ready", "status": "False"}]}, SourceState.FAILED),
        (
            {"conditions": [{"type": "Ready", "status": "True"}], "syncedResourceVersion": "2-abc"},
            SourceState.READY,
        ),
        # Of the source before its last change.
        (
            {"conditions": [{"type": "Ready", "status": "True"}], "syncedResourceVersion": "1-abc"},
            SourceState.PENDING,
        ),
    ],
)
def test_success_counts_for_the_source_as_it_is_now(status: dict[str, object], state: SourceState) -> None:
    assert read_state({**SOURCE, "metadata": {"generation": 2}, "status": status}) is state


def test_a_source_with_other_registries_has_another_digest() -> None:
    one = external_secrets.make_objects(ExternalSecretsSettings(), "pull", REGISTRIES[:1], ["a"], {})
    two = external_secrets.make_objects(ExternalSecretsSettings(), "pull", REGISTRIES, ["a"], {})
    other = external_secrets.make_objects(ExternalSecretsSettings(), "pull", REGISTRIES, ["a", "b"], {})
    assert external_secrets.compute_source_digest(one) != external_secrets.compute_source_digest(two)
    assert external_secrets.compute_source_digest(two) == external_secrets.compute_source_digest(other)
