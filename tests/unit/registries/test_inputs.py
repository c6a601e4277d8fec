"""The inputs of a registry have one source: a new field there is an input in every form."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from imagepull.inputs import to_camel_case
from imagepull.registries.inputs import REGISTRY_INPUTS
from lab.layout import CHECKOUT

NEW_FIELD = '''\
    endpoint: NotRequired[Annotated[Text, Limits(rule=_REGION, aws=True)]]
    """Endpoint to ask for the token, beside `role_arn`."""
    signature: NotRequired[Annotated[Text, Limits(aws=True, secret=True)]]
    """A secret to sign the request with."""
'''
EVERYWHERE = """
import asyncio
import json
import pulumi
from pulumi.runtime import rpc
from components import RegistryAccess
from components.resources import _convert_registry
from imagepull.errors import InvalidInput
from imagepull.registry_secret import spec
from imagepull.stack_config.reader import make_file_schema, parse
from imagepull.stack_config.stack_file import StackFile
from provider.construct import Components
from provider.schema import make_schema
from provider.wire_values import to_struct, mark_secrets
from tests.pulumi_mocks import declared

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
inputs = {"name": "a", "namespaces": ["a"], "registries": [{"host": HOST, "endpoint": "eu-west-1"}]}
print("parser:", len(spec.parse(inputs).registries))
try:
    spec.parse({**inputs, "registries": [{"host": HOST, "endpoint": "no region"}]})
except InvalidInput as error:
    print("problem:", error)
schema = json.loads(make_schema("1.0.0"))["types"]["imagepull:index:Registry"]["properties"]
print("schema:", schema["endpoint"]["description"])
python = declared(lambda: RegistryAccess("a", registries=[{"host": HOST, "endpoint": "eu-west-1"}], namespaces=["a"]))
print("python:", python["imagepull:index:RegistrySecret", "a"]["registries"][0]["endpoint"])
other = {"registries": [{"host": HOST, "endpoint": "eu-west-1"}], "namespaces": ["a"]}
there = declared(lambda: Components("1").construct("a", "imagepull:index:RegistryAccess", other))
print("other languages:", there["imagepull:index:RegistrySecret", "a"]["registries"][0]["endpoint"])
stack = {"registries": other["registries"], "namespaces": [{"name": "a"}]}
print("stack:", parse(stack).access_arguments["registries"][0]["endpoint"])
entry = make_file_schema("p")["properties"]["config"]["properties"]["p:registries"]["items"]
print("editors:", entry["properties"]["endpoint"]["description"])
signed = [{"host": HOST, "signature": "not-for-your-eyes"}]
print("schema, secret:", schema["signature"]["secret"])
print("editors, secret:", "secure" in str(entry["properties"]["signature"]))
print("state, secret:", rpc._special_secret_sig in str(mark_secrets(to_struct({"registries": signed}))))


async def is_secret_for_the_program():
    return await _convert_registry(signed[0])["signature"].is_secret()


print("program, secret:", asyncio.run(is_secret_for_the_program()))
file = StackFile(name="Pulumi.a.yaml", document={"config": {"p:registries": signed}})
print("stack file:", *[problem.path for problem in file.find_problems("p")])
"""


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The sources, with one field more in the one place."""
    for name in ("imagepull", "components", "provider"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "pulumi_mocks.py"):
        (tmp_path / "tests").mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / "tests" / name, tmp_path / "tests" / name)
    source = tmp_path / "imagepull" / "registries" / "inputs.py"
    before, after = source.read_text().split("    profile:")
    source.write_text(f"{before}{NEW_FIELD}    profile:{after}")
    return tmp_path


def test_a_new_input_is_one_field(changed: Path) -> None:
    done = subprocess.run([sys.executable, "-c", EVERYWHERE], cwd=changed, capture_output=True, text=True, check=False)

    assert done.stdout.splitlines() == [
        "parser: 1",
        "problem: registries[0].endpoint: is 'no region'; write an AWS region such as 'eu-west-1'",
        "schema: Endpoint to ask for the token, beside `roleArn`.",
        "python: eu-west-1",
        "other languages: eu-west-1",
        "stack: eu-west-1",
        "editors: Endpoint to ask for the token, beside `roleArn`.",
        "schema, secret: True",
        "editors, secret: True",
        "state, secret: True",
        "program, secret: True",
        "stack file: p:registries[0].signature",
    ], done.stderr


def test_each_input_has_the_schemas_name_too() -> None:
    assert [each.wire_name for each in REGISTRY_INPUTS] == [to_camel_case(each.name) for each in REGISTRY_INPUTS]
    assert [each.name for each in REGISTRY_INPUTS if each.required] == ["host"]
    assert [each.name for each in REGISTRY_INPUTS if each.limits.secret] == ["password"]
