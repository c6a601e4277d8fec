"""Containerfile and the lab's image of the renewer hold the same packages and descriptions of AWS."""

import re

from lab.layout import CHECKOUT
from lab.python_image import AWS_SERVICES, LEFT_OUT

CONTAINERFILE = (CHECKOUT / "Containerfile").read_text()
REQUIREMENTS = [line for line in (CHECKOUT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]


def project(requirement: str) -> str:
    return re.split(r"[=<>]", requirement)[0].lower().replace("_", "-")


def test_they_leave_out_the_same_packages() -> None:
    (pattern,) = re.findall(r"grep --invert-match --ignore-case --extended-regexp '([^']+)'", CONTAINERFILE)
    left_out = {project(line) for line in REQUIREMENTS if re.match(pattern, line, re.IGNORECASE)}
    assert left_out == {project(name) for name in LEFT_OUT}


def test_they_keep_the_same_services() -> None:
    assert sorted(re.findall(r"! -name (\S+)", CONTAINERFILE)) == sorted(AWS_SERVICES)
