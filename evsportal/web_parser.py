"""Reads a request strictly: whatever two programs could understand in two ways is refused.

A proxy and the portal that disagree about where a request ends, or whom it is for, let a stranger
put a request of theirs before that of somebody else.
"""

import re
from collections import Counter

from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.utilities import BadRequest, Error, RequestHeaderFieldsTooLarge

from evsportal.limits import MOST_HEAD_BYTES

_VERSIONS = frozenset({"1.0", "1.1"})
_ODD_IN_TARGET = re.compile(r"[^!-~]")  # browsers write all else with percent signs
_ONCE = (b"host", b"content-length", b"content-type", b"transfer-encoding")


class AddressTooLong(BadRequest):
    """The first line alone is longer than the portal reads."""

    code = 414
    reason = "URI Too Long"


class RequestParser(HTTPRequestParser):
    """waitress's parser, which takes both lengths of a body, several hosts and folded lines."""

    command = request_uri = "-"  # of what cannot be read
    path = ""  # waitress logs it
    error: Error | None = None  # why it is refused

    def received(self, data: bytes) -> int:
        """The number of bytes that belong to this request."""
        before = self.header_plus
        consumed: int = super().received(data)
        is_too_large = isinstance(self.error, RequestHeaderFieldsTooLarge)
        if is_too_large and b"\n" not in (before + data)[:MOST_HEAD_BYTES]:
            self.error = AddressTooLong(f"exceeds {MOST_HEAD_BYTES} bytes")
        if self.error or self.body_rcv is None:
            self.expect_continue = False  # nobody is asked for a body that is not read
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Raises `ParsingError` for 400; `TransferEncodingNotImplemented` for 501."""
        _first, *lines = header_plus.split(b"\r\n")
        if any(line.startswith((b" ", b"\t")) for line in lines):
            raise ParsingError("A header is folded.")
        names = Counter(line.partition(b":")[0].lower() for line in lines if line)
        if repeated := [name for name in _ONCE if names[name] > 1]:
            raise ParsingError(f"{repeated[0].decode()} is there twice.")
        if names[b"content-length"] and names[b"transfer-encoding"]:
            raise ParsingError("The body has two lengths.")
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a length of thousands of digits; a target that is no address
            raise ParsingError(str(error)) from error
        self._check_line(names)

    def _check_line(self, names: Counter[bytes]) -> None:
        if self.version not in _VERSIONS:
            raise ParsingError("The version of HTTP is neither 1.0 nor 1.1.")
        if self.version == "1.1" and not names[b"host"]:
            raise ParsingError("The host is missing.")
        if names[b"transfer-encoding"]:
            # No form of a browser is sent in chunks, and nginx passes none on. waitress searches a
            # chunk's first line anew at each byte: one client takes the loop's whole time.
            raise TransferEncodingNotImplemented("A body is sent with its length.")
        if _ODD_IN_TARGET.search(self.request_uri):
            raise ParsingError("The address has characters that must be percent-encoded.")
        if not self.request_uri.startswith(("/", "http://", "https://")):
            raise ParsingError("The address is no path.")
        host = self.headers.get("HOST", "").lower()
        if self.proxy_netloc and self.proxy_netloc.lower() != host:
            raise ParsingError("The address is of another host.")
