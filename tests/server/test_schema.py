"""The service does what its OpenAPI schema says, whatever it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest.importorskip("fastapi")
pytest.importorskip("schemathesis")

import schemathesis
from starlette.testclient import TestClient

from deidsynth.server.service import make_service
from served import everything, running

PLAIN = TestClient(make_service(everything()), base_url="http://127.0.0.1").get("/openapi.json").json()

schema = schemathesis.openapi.from_dict(PLAIN)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the service, at work while the tests of this file run."""
    with running(make_service(everything())) as address:
        yield address


def checked(n_examples: int) -> settings:
    return settings(max_examples=n_examples, deadline=None, suppress_health_check=list(HealthCheck))


@schema.parametrize()
@checked(10)
def test_answers_are_those_of_the_schema(case: Any, url: str) -> None:
    case.call_and_validate(base_url=url)


@pytest.mark.slow
@schema.parametrize()
@checked(300)
def test_answers_to_much_more_are_those_of_the_schema(case: Any, url: str) -> None:
    case.call_and_validate(base_url=url)
