"""The release workflow: what it tests, what it may do, and when."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    return dict(yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text()))


def test_only_a_tag_releases_and_only_after_tests_and_build(workflow: dict[Any, Any]) -> None:
    triggers = workflow[True]  # YAML 1.1 reads the word on as true
    assert triggers == {"push": {"tags": ["v*"]}}
    assert set(workflow["jobs"]["publish"]["needs"]) == {"test", "build"}


def test_only_publishing_may_ask_for_an_identity_and_no_password_is_kept(workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job} == {
        "publish": {"id-token": "write"}
    }
    assert "secrets." not in str(workflow) and "password" not in str(workflow)


def test_the_least_python_that_the_package_accepts_is_tested(workflow: dict[Any, Any]) -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert wanted == f">={workflow['jobs']['test']['strategy']['matrix']['python'][0]}"


def test_every_job_ends(workflow: dict[Any, Any]) -> None:
    assert all(job["timeout-minutes"] <= 90 for job in workflow["jobs"].values())
