"""Connections of the HTTP library, made to our rules for certificates and proxies.

The library is used below its session, so that it does nothing by itself: it follows no redirect,
repeats no request, and takes no proxy, cookie or `.netrc` from the environment.
"""

import ssl
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import make_headers

from snapshots.evs.attempt import this_thread
from snapshots.evs.config import Proxy

_MOST_HOSTS = 4  # identity and block storage, each perhaps by two names


def tls_context(*, ca_file: str, client_cert: str = "", client_key: str = "") -> ssl.SSLContext:
    """Verifies against `ca_file` (file or folder; "": the built-in authorities), and shows the
    certificate in `client_cert` to a server that asks.

    Raises ValueError, naming the file, for one that cannot be used.
    """
    if not (ca_file or client_cert):
        return _context_of_built_in_authorities()
    context = _context_of(ca_file or str(DEFAULT_CA_BUNDLE_PATH))
    if client_cert:
        try:
            # The empty password: a key that needs one is refused, not asked for at the terminal.
            context.load_cert_chain(client_cert, client_key or None, password="")
        except OSError as error:
            files = " and ".join(filter(None, (client_cert, client_key)))
            raise ValueError(
                f"{files} must hold a certificate and its key, the key without a password ({error})"
            ) from error
    return context


@cache
def _context_of_built_in_authorities() -> ssl.SSLContext:
    """One for all clients of the process: 140 authorities take 35 ms to read."""
    return _context_of(str(DEFAULT_CA_BUNDLE_PATH))


def _context_of(authorities: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificate and host name
    folder = Path(authorities).is_dir()
    try:
        context.load_verify_locations(
            cafile=None if folder else authorities, capath=authorities if folder else None
        )
    except OSError as error:  # ssl.SSLError is one
        message = f"{authorities} holds no certificates that can be read ({error})"
        raise ValueError(message) from error
    return context


class _Noting(HTTPConnection):
    """Reports to the attempt before bytes leave, and what they are for."""

    _asks_for_tunnel = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        attempt = this_thread.attempt
        if attempt is not None and self.sock is not None:
            if self._asks_for_tunnel:
                attempt.tunnelling(self.sock)
            else:
                attempt.leaving(self.sock)
        super().send(data)

    def _tunnel(self) -> None:
        self._asks_for_tunnel = True
        try:
            super()._tunnel()
        finally:
            self._asks_for_tunnel = False


class _NotingTLS(_Noting, HTTPSConnection):
    """The same below TLS: the handshake is over when the first byte of the request is sent."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Noting


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _NotingTLS


_POOLS = {"http": _Pool, "https": _PoolTLS}


class Route:
    """How one cloud is reached: the certificates, and the proxy if there is one."""

    def __init__(self, *, context: ssl.SSLContext, proxy: Proxy | None) -> None:
        self.context = context
        self.proxy = proxy
        self.proxy_context = tls_context(ca_file=proxy.cacert) if proxy else None

    def forwards(self, url: str) -> bool:
        """Whether the proxy reads the request itself: it does with a plain http address."""
        return self.proxy is not None and urlsplit(url).scheme == "http"

    def proxy_headers(self) -> Mapping[str, str]:
        if self.proxy is None or not self.proxy.username:
            return {}
        user = f"{self.proxy.username}:{self.proxy.password}"
        return make_headers(proxy_basic_auth=user)


class Adapter(HTTPAdapter):
    """Never repeats a request or a connection attempt by itself: every attempt must be recorded."""

    def __init__(self, route: Route, *, pool_size: int) -> None:
        self._route = route
        self._pool_size = pool_size
        self._by_proxy: ProxyManager | None = None
        super().__init__(
            pool_connections=_MOST_HOSTS, pool_maxsize=pool_size, max_retries=0, pool_block=True
        )
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def send_to_cloud(
        self, request: requests.PreparedRequest, *, timeout: tuple[float, float]
    ) -> requests.Response:
        proxy = self._route.proxy
        proxies = {"http": proxy.url, "https": proxy.url} if proxy else None
        return self.send(request, stream=True, timeout=timeout, proxies=proxies)

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        if self._route.forwards(str(request.url)):
            return str(request.url)  # the library would tidy what was signed
        return super().request_url(request, proxies)

    def proxy_manager_for(self, proxy: str, **_kwargs: Any) -> ProxyManager:
        if self._by_proxy is None:
            self._by_proxy = ProxyManager(
                proxy,
                proxy_headers=self._route.proxy_headers(),
                proxy_ssl_context=self._route.proxy_context,
                num_pools=_MOST_HOSTS,
                maxsize=self._pool_size,
                block=True,
            )
            self._by_proxy.pool_classes_by_scheme = _POOLS
            self.proxy_manager[proxy] = self._by_proxy  # `close` closes it from there
        return self._by_proxy

    def build_connection_pool_key_attributes(
        self,
        request: requests.PreparedRequest,
        verify: Any,
        cert: Any = None,
    ) -> Any:
        parts = urlsplit(str(request.url))
        host = {"scheme": parts.scheme, "host": parts.hostname, "port": parts.port}
        # The library pools by this context. For a plain http address behind an https proxy the
        # connection's TLS is the proxy's, by `proxy_ssl_context`.
        return host, {"ssl_context": self._route.context}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context decides; the library would switch verification off for http addresses."""


def prepared(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes | None
) -> requests.PreparedRequest:
    """The request as it leaves; ValueError for a header that cannot be sent."""
    request = requests.Request(method, url, headers=dict(headers), data=body).prepare()
    request.headers.setdefault("User-Agent", "evsportal")
    # What is recorded should be what was on the wire.
    request.headers.setdefault("Accept-Encoding", "identity")
    request.url = url  # as it was signed; the library would tidy it
    return request
