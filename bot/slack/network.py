"""The way out of the network to Slack: its proxy, and the certificates that are trusted.

slack_sdk uses HTTPS_PROXY for every address and ignores NO_PROXY. Every request to Slack is
therefore made in a session from here, which chooses the proxy by the address of each request: those
of the Web API, of Socket Mode, of uploads and of a response_url differ.
"""

import ssl
from ipaddress import ip_address, ip_network

from aiohttp import (
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    TCPConnector,
)
from yarl import URL

from bot.certificates import trusting
from bot.settings import Settings


class Network:
    """The proxies and certificates of the operator's settings; by default a direct connection."""

    def __init__(self, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self._proxies = {
            "http": settings.http_proxy,
            "ws": settings.http_proxy,
            "https": settings.https_proxy,
            "wss": settings.https_proxy,
        }
        self._no_proxy = settings.no_proxy
        self._ca_file = settings.ca_file
        self._ssl: ssl.SSLContext | None = None

    def session(self, *, timeout_seconds: float | None = None) -> ClientSession:
        """Return a session for requests to Slack; the caller closes it.

        `timeout_seconds` limits a whole request. slack_sdk ignores its client's timeout when the
        client is given a session.
        """
        return ClientSession(
            connector=TCPConnector(ssl=self._trusted()),
            timeout=ClientTimeout(total=timeout_seconds),
            middlewares=(self._choose_proxy,),
        )

    def proxy_for(self, url: URL) -> URL | None:
        """Return the proxy for an address, or None to connect directly.

        This machine's own addresses are never reached through a proxy.
        """
        host = url.host or ""
        proxy = self._proxies.get(url.scheme)
        if not proxy or _is_this_machine(host):
            return None
        return None if _is_excluded(self._no_proxy, host.lower(), url.port) else URL(proxy)

    async def _choose_proxy(
        self, request: ClientRequest, handler: ClientHandlerType
    ) -> ClientResponse:
        """Replace the proxy that slack_sdk took from the environment."""
        request.update_proxy(self.proxy_for(request.url), None, None)
        return await handler(request)

    def _trusted(self) -> ssl.SSLContext | bool:
        if not self._ca_file:
            return True  # aiohttp's own: the system's certificates
        self._ssl = self._ssl or trusting(self._ca_file)
        return self._ssl


def _is_excluded(no_proxy: str, host: str, port: int | None) -> bool:
    """Return whether NO_PROXY names this host: a domain with those under it, or a network."""
    for entry in no_proxy.lower().replace(",", " ").split():
        name, _, only_port = entry.partition(":")
        name = name.removeprefix("*").removeprefix(".")
        is_named = host == name or host.endswith(f".{name}") or _is_in_network(host, entry)
        if entry == "*" or (is_named and only_port in {"", str(port)}):
            return True
    return False


def _is_in_network(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:  # one of them is a name
        return False


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
