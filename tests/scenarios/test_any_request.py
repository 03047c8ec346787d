"""Property tests: no signed request causes a server error."""

import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness import BotHarness
from tests.scenarios.requests import FORM, JSON, PAYLOADS, form, post_signed

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def harness(written: io.StringIO, harness_over_http: BotHarness) -> BotHarness:
    return harness_over_http


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
REMOVED = object()


@st.composite
def mutated_payloads(draw: st.DrawFn) -> Any:
    """A valid Slack payload with one value removed or replaced."""
    whole = json.loads(json.dumps(draw(st.sampled_from(PAYLOADS))))
    at = whole
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = draw(st.sampled_from(keys))
        inside = at[key]
        if not (isinstance(inside, dict | list) and inside and draw(st.booleans())):
            break
        at = inside
    new = draw(st.just(REMOVED) | st.sampled_from([None, [], {}, "", 17, "\ud800\0"]) | VALUES)
    if new is REMOVED:
        del at[key]
    else:
        at[key] = new
    return whole


BYTES = st.one_of(
    st.binary(max_size=200),
    VALUES.map(json.dumps).map(str.encode),
    VALUES.map(form),
    st.dictionaries(st.text(max_size=8), st.text(max_size=8)).map(urlencode).map(str.encode),
    st.binary(max_size=60).map(lambda body: b"payload=" + body),
)
SETTINGS = settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SETTINGS
@given(body=BYTES, kind=st.sampled_from([FORM, JSON, "text/plain"]))
async def test_signed_arbitrary_bytes_never_cause_a_server_error(
    harness: BotHarness, written: io.StringIO, body: bytes, kind: str
) -> None:
    # 401: a body that is not UTF-8 cannot come from Slack
    assert await post_signed(harness, body, kind) in (200, 400, 401)
    assert "exception" not in written.getvalue()


@SETTINGS
@given(payload=mutated_payloads())
async def test_signed_mutated_payloads_never_cause_a_server_error(
    harness: BotHarness, payload: dict[str, Any]
) -> None:
    assert await post_signed(harness, form(payload)) in (200, 400)
    assert await post_signed(harness, json.dumps(payload).encode(), JSON) in (200, 400)
