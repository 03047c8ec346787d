"""Proxies, NO_PROXY and a corporate certificate authority, for every way to reach Slack."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientConnectorCertificateError, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from yarl import URL

from bot.app import Imbalance
from bot.clock import AdjustableClock, real_now
from bot.outbox import pictures
from bot.playground.server import FakeSlack
from bot.settings import Settings, load
from bot.slack.content import content, section
from bot.slack.network import Network
from bot.slack.views import respond_to_url
from tests.conftest import running_bot
from tests.harness import ANA, LAUNCH, TINY_PNG, BotHarness

PROXY = "http://proxy.example:3128"
DEAD_PROXY = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("url", "no_proxy", "expected"),
    [
        ("https://slack.com/api/auth.test", "", True),
        ("wss://wss-primary.slack.com/link", "", True),
        ("https://slack.com/api/", "slack.com", False),
        ("https://files.slack.com/upload", "slack.com", False),
        ("https://files.slack.com/upload", ".slack.com", False),
        ("https://files.slack.com/upload", "*.slack.com", False),
        ("https://notslack.com/", "slack.com", True),
        ("https://slack.com/", "corp.example, SLACK.COM", False),
        ("https://slack.com/", "slack.com:443", False),
        ("https://slack.com/", "slack.com:8443", True),
        ("https://slack.com/", "*", False),
        ("https://10.1.2.3/", "10.0.0.0/8", False),
        ("https://11.1.2.3/", "10.0.0.0/8", True),
        ("https://127.0.0.1:8765/api/", "", False),
        ("https://localhost:8765/api/", "", False),
        ("https://[::1]:8765/api/", "", False),
        ("http://slack.example/", "", False),  # HTTP_PROXY is for http
    ],
)
def test_proxy_is_chosen_by_the_address(url: str, no_proxy: str, expected: bool) -> None:
    network = Network(load({"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}))

    assert network.proxy_for(URL(url)) == (URL(PROXY) if expected else None)


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTPS_PROXY": PROXY},
        {"https_proxy": PROXY},
        {"HTTPS_PROXY": "proxy.example:3128"},
        {"HTTPS_PROXY": PROXY, "https_proxy": DEAD_PROXY},
    ],
)
def test_proxy_is_read_as_other_programs_write_it(environ: dict[str, str]) -> None:
    assert Network(load(environ)).proxy_for(URL("https://slack.com")) == URL(PROXY)


@dataclass
class Relay:
    """An HTTP proxy that leads every connection to one port, and keeps the requests' heads."""

    target: int
    heads: list[str] = field(default_factory=list)
    port: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://user:p%40ss@127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        out_reader, out_writer = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            await asyncio.gather(
                self._pump(reader, out_writer, keep=True), self._pump(out_reader, writer)
            )
        finally:
            writer.transport.abort()
            out_writer.transport.abort()
            self.tasks.discard(task)

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, keep: bool = False
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if keep and b" HTTP/1.1\r\n" in data:
                    self.heads.append(data.partition(b"\r\n\r\n")[0].decode())
                target.write(data)
                await target.drain()
        target.close()

    def paths(self) -> list[str]:
        return [URL(head.split()[1]).path for head in self.heads]


@pytest.fixture
async def relay(fake_slack: FakeSlack) -> AsyncIterator[Relay]:
    """A proxy to the fake Slack, which says that it is at a host that only the proxy knows."""
    port = URL(fake_slack.url).port
    assert port is not None
    relay = Relay(target=port)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    fake_slack.core.url = f"http://slack.invalid:{port}"
    yield relay
    server.close()
    for task in relay.tasks:
        task.cancel()
    await asyncio.gather(*relay.tasks, return_exceptions=True)


async def use_every_way_to_slack(bot: Imbalance, slack: FakeSlack, clock: AdjustableClock) -> None:
    """Make a call to the Web API, upload a file, and answer a command with its response_url."""

    async def draw(_: object) -> bytes:
        return TINY_PNG

    harness = BotHarness(bot=bot, slack=slack, clock=clock)
    ana = slack.as_user(ANA)
    await ana.command("/imbalance help")
    await pictures.upload(bot.client, draw, {"facts": {}, "title": "A", "alt_text": "B"})
    response_url = slack.url + slack.core.tickets.issue(ANA, LAUNCH)
    assert await respond_to_url(
        bot.client, {"response_url": response_url}, content("hi", section("hi")), replace=False
    )
    await harness.settle()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_every_way_to_slack_goes_through_the_proxy(
    settings: Settings, fake_slack: FakeSlack, clock: AdjustableClock, relay: Relay
) -> None:
    settings = replace(settings, slack_api_url=fake_slack.api_url, http_proxy=relay.url)

    async with running_bot(settings, clock) as bot:
        await use_every_way_to_slack(bot, fake_slack, clock)

    first_parts = {path.split("/")[1] for path in relay.paths()}
    assert first_parts == {"api", "link", "upload", "hooks"}
    credentials = f"Proxy-Authorization: Basic {b64encode(b'user:p@ss').decode()}"
    assert all(credentials in head for head in relay.heads)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_local_slack_is_reached_directly_whatever_proxy_the_environment_names(
    settings: Settings,
    fake_slack: FakeSlack,
    clock: AdjustableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """slack_sdk reads these variables itself, and ignores NO_PROXY."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, DEAD_PROXY)
    settings = replace(settings, https_proxy=DEAD_PROXY, http_proxy=DEAD_PROXY)

    async with running_bot(settings, clock) as bot:
        await use_every_way_to_slack(bot, fake_slack, clock)


def certificate_of(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Corporate CA")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(real_now() - timedelta(days=1))
        .not_valid_after(real_now() + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


@dataclass(frozen=True)
class TlsFiles:
    certificate: Path
    key: Path


@pytest.fixture
def tls_files(tmp_path: Path) -> TlsFiles:
    """A certificate that no system trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    files = TlsFiles(tmp_path / "ca.pem", tmp_path / "key.pem")
    files.certificate.write_bytes(certificate_of(key).public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


@pytest.fixture
async def tls_url(tls_files: TlsFiles) -> AsyncIterator[str]:
    """A server behind a corporate certificate authority."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls_files.certificate, tls_files.key)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield f"https://localhost:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
async def test_corporate_certificate_authority_is_trusted_if_named(
    tls_url: str, tls_files: TlsFiles, name: str
) -> None:
    network = Network(load({name: str(tls_files.certificate)}))

    async with network.session() as session, session.get(tls_url) as response:
        assert await response.text() == "hello"
    async with Network().session() as session:
        with pytest.raises(ClientConnectorCertificateError):
            await session.get(tls_url)
