"""The worst that tests/unit/hostile_values.py found, on the real API server: tenants' values hold up nobody.

Each tenant writes what he likes into the Secret and the ServiceAccount of his namespace before a refresh, an update and
a deletion. What he notes as former values of others is not written, and the deletion leaves nothing of ours.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any, Final

import pytest

from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import NAMESPACE, SECRET, SERVICE_ACCOUNT
from lab.images import SHOP
from lab.lifecycle import Lab
from tests.provider.plugin import ACCOUNTS, Plugin, Refused, plugin
from tests.provider.plugin import SECRET as SECRET_URN

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
FIXED = {"host": "ghcr.io", "username": "u", "password": "correct-horse"}
HARMLESS, MANAGED, FULL = "hostile-good", "hostile-managed", "hostile-full"
_HUGE = {"annotations": {"note": "é" * 60_000}}
_OURS = {"imagepull/identity": "f" * 16, "imagepull/owner": "f" * 16}
_MOMENT = {"issued": "0001-01-01T00:00:00+23:59", "expires": "9999-12-31T23:59:59-23:59", "digest": 5}
_GROWING = {"auths": {}, "x": "<" * 700_000}

ANNOTATIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "hostile-value": {"imagepull/before": json.dumps({"labels": {"team": "no label!", MANAGED_BY: "x" * 100}})},
    "hostile-text": {"imagepull/before": "{", "imagepull/hosts": "NaN", "imagepull/expires-at": "\x1b[2J"},
    "hostile-depth": {"imagepull/before": "[" * 100_000, "imagepull/hosts": '{"a":' * 5_000 + "1" + "}" * 5_000},
    "hostile-size": {"imagepull/before": json.dumps(_HUGE, ensure_ascii=False)},
    "hostile-keys": {"imagepull/before": json.dumps({"labels": _OURS, "annotations": {"imagepull/hosts": "{}"}})},
    "hostile-helm": {"imagepull/before": json.dumps({"labels": {MANAGED_BY: "Helm", "team": "mine"}})},
    "hostile-time": {"imagepull/hosts": json.dumps({SHOP.host: _MOMENT, "ghcr.io": [], "": {}})},
}
"""What each tenant writes into the annotations of his Secret, by namespace."""
CLAIMS: Final = ("{", "[" * 100_000, json.dumps({"added": [5, "", "kube"], "found": ["pull"], "resource": 1}), "NaN")
NAMESPACES: Final = [HARMLESS, MANAGED, FULL, *ANNOTATIONS]
INPUTS: Final[Mapping[str, object]] = {
    "name": "pull",
    "namespaces": NAMESPACES,
    "registries": [{"host": SHOP.host}, FIXED],
    "labels": {"team": "ours"},
    "annotations": {"note": "ours"},
}
CHANGED: Final = {**INPUTS, "registries": [{"host": SHOP.host}, {**FIXED, "password": "battery-staple"}]}
LISTED: Final = {"secretNames": ["pull"], "namespaces": NAMESPACES}


def test_what_tenants_write_holds_up_nobody_and_is_not_written_by_us(lab: Lab) -> None:
    async def live() -> None:
        cluster = Cluster.connect(str(lab.kubeconfig), None)
        try:
            for namespace in NAMESPACES:
                await cluster.create(NAMESPACE, {"metadata": {"name": namespace}})
            async with plugin(lab.env) as one:
                await live_with_tenants(one, cluster)
        finally:
            for namespace in NAMESPACES:
                await cluster.delete(NAMESPACE, namespace, "")
            await cluster.close()

    asyncio.run(live())


async def live_with_tenants(one: Plugin, cluster: Cluster) -> None:
    outputs = await one.create(SECRET_URN, INPUTS)
    accounts = await one.create(ACCOUNTS, LISTED)
    await tamper(cluster)
    assert (await one.read(SECRET_URN, INPUTS, outputs))["uids"] == outputs["uids"]
    await one.read(ACCOUNTS, LISTED, accounts)

    updated = await update(one, outputs)
    for namespace in NAMESPACES:
        if namespace != FULL:
            secret = await read(cluster, namespace)
            assert read_config(secret)["auths"]["ghcr.io"]["password"] == "battery-staple", namespace
            assert secret["metadata"]["labels"]["team"] == "ours", namespace
    accounts = await one.update(ACCOUNTS, LISTED, accounts, LISTED)

    await tamper(cluster)
    await one.delete(ACCOUNTS, LISTED, accounts)
    await one.delete(SECRET_URN, CHANGED, updated)
    assert all(message.isprintable() for message in one.log.messages)
    left = {each.namespace: each for each in await cluster.list(SECRET, name="pull") if each.namespace in NAMESPACES}
    assert {namespace: each.labels for namespace, each in left.items()} == {MANAGED: {MANAGED_BY: "Helm"}, FULL: {}}
    for each in left.values():
        assert not [key for key in each.annotations if key.startswith("imagepull/")]
        assert read_config(each.document)["auths"] == {}
    for account in await cluster.list(SERVICE_ACCOUNT, name="default"):
        if account.namespace in NAMESPACES:
            # One who claims that our name was there before us keeps it, in his own account.
            assert account.read_names("imagePullSecrets") in ((), ("pull",)), account.namespace
            assert f"imagepull/claim-{accounts['identity']}" not in account.annotations


async def update(one: Plugin, outputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The outputs after an update, which fails in one namespace alone."""
    with pytest.raises(Refused) as refused:
        await one.update(SECRET_URN, INPUTS, outputs, CHANGED)
    (reason,) = refused.value.reasons
    assert reason.startswith(f"namespace {FULL}: the docker config has ")
    assert refused.value.partial is not None
    return refused.value.partial


async def tamper(cluster: Cluster) -> None:
    for namespace, annotations in ANNOTATIONS.items():
        await cluster.patch(SECRET, "pull", namespace, {"metadata": {"annotations": annotations}})
    await cluster.patch(SECRET, "pull", MANAGED, {"metadata": {"labels": {MANAGED_BY: "Helm"}}})
    data = base64.b64encode(json.dumps(_GROWING).encode()).decode()
    await cluster.patch(SECRET, "pull", FULL, {"data": {".dockerconfigjson": data}})
    for namespace, claim in zip(NAMESPACES, CLAIMS, strict=False):
        account = await cluster.get(SERVICE_ACCOUNT, "default", namespace)
        assert account is not None
        ours = [key for key in account.annotations if key.startswith("imagepull/claim-")]
        annotations = dict.fromkeys([*ours, f"imagepull/claim-{'e' * 16}"], claim)
        await cluster.patch(SERVICE_ACCOUNT, "default", namespace, {"metadata": {"annotations": annotations}})


async def read(cluster: Cluster, namespace: str) -> Mapping[str, Any]:
    found = await cluster.get(SECRET, "pull", namespace)
    assert found is not None
    return found.document


def read_config(secret: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
    return found
