"""Property test: no signed bytes cause a server error. `tests/fuzz` mutates whole payloads."""

import io
import json
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness import BotHarness
from tests.scenarios.requests import FORM, JSON, form, post_signed

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def harness(written: io.StringIO, harness_over_http: BotHarness) -> BotHarness:
    return harness_over_http


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


BYTES = st.one_of(
    st.binary(max_size=200),
    VALUES.map(json.dumps).map(str.encode),
    VALUES.map(form),
    st.dictionaries(st.text(max_size=8), st.text(max_size=8)).map(urlencode).map(str.encode),
    st.binary(max_size=60).map(lambda body: b"payload=" + body),
)


@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=BYTES, kind=st.sampled_from([FORM, JSON, "text/plain"]))
async def test_signed_arbitrary_bytes_never_cause_a_server_error(
    harness: BotHarness, written: io.StringIO, body: bytes, kind: str
) -> None:
    # 401: a body that is not UTF-8 cannot come from Slack
    assert await post_signed(harness, body, kind) in (200, 400, 401)
    assert "exception" not in written.getvalue()
