"""The bytes of one HTTP/1.1 request while they arrive: is it whole, and if not, how much may still come?

It knows framing alone (end of the head, Content-Length, chunks), so that no thread is given to a request before it is
whole. It refuses to know sockets and never decides what a request means: gunicorn parses the same bytes afterwards,
and whatever looks odd here is handed over at once for it to refuse.
"""

import re

from datar.errors import DatarError, Invalid, TooLarge

HEAD_BYTES = 65_536
"""Request line and headers together."""
CHUNKED_OVERHEAD = 65_536
"""What the framing of a chunked body may add to a quarter of its limit."""

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked[ \t]*(?=\r\n)", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)
_REQUEST_ID = re.compile(rb"\r\nx-request-id:[ \t]*([A-Za-z0-9._-]{1,128})[ \t]*\r?\n", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
_CHUNK_LINE_BYTES = 4_096


class HeadTooLarge(DatarError):
    """Request line and headers together are over ``HEAD_BYTES``."""

    default_code = "headers_too_large"


class Gathering:
    """One request on its way in. Feed it until ``whole``; then ``buffer`` holds the request and what came behind it."""

    def __init__(self, body_limit: int) -> None:
        self.buffer = bytearray()
        self.whole = False
        self.expects_continue = False
        self._body_limit = body_limit
        self._end: int | None = None
        self._chunk_at: int | None = None

    def feed(self, data: bytes) -> None:
        """Add what arrived. Raises HeadTooLarge, TooLarge (a chunked body's framing), Invalid (broken chunks)."""
        seen = max(0, len(self.buffer) - len(_END) + 1)
        self.buffer += data
        if self._end is None and self._chunk_at is None:
            self._read_head(seen)
        if self._chunk_at is not None and not self.whole:
            self._skip_chunks(self._chunk_at)
        elif self._end is not None:
            self.whole = len(self.buffer) >= self._end

    @property
    def request_id(self) -> str:
        """The id the client sent, if it is a good one; else nothing."""
        found = _REQUEST_ID.search(self.buffer, 0, HEAD_BYTES)
        return found[1].decode("ascii") if found else ""

    def _read_head(self, seen: int) -> None:
        head = self.buffer.find(_END, seen)
        if head < 0 or head > HEAD_BYTES:
            if len(self.buffer) > HEAD_BYTES:
                raise HeadTooLarge(f"The request line and headers are larger than {HEAD_BYTES} bytes.")
            return
        if expect := _EXPECT.search(self.buffer, 0, head + 2):
            del self.buffer[expect.start() : expect.end()]  # answered here, so that gunicorn does not answer it again
            head -= expect.end() - expect.start()
        body = head + len(_END)
        lengths = _LENGTH.findall(self.buffer, 0, head + 2)
        chunked = _CHUNKED.search(self.buffer, 0, head + 2) is not None
        if chunked and not lengths:
            self._chunk_at = body
        elif not chunked and len(lengths) == 1 and int(lengths[0]) <= self._body_limit:
            self._end = body + int(lengths[0])
        else:
            self._end = body  # no body, one that will be refused unread, or a head that gunicorn refuses
            return
        self.expects_continue = expect is not None and len(self.buffer) == body

    def _skip_chunks(self, at: int) -> None:
        """Walk the chunks from ``at``; remember where the walk stopped."""
        if len(self.buffer) > self._body_limit + self._body_limit // 4 + CHUNKED_OVERHEAD + HEAD_BYTES:
            raise TooLarge(f"The body is larger than {self._body_limit} bytes; send it in parts.")
        while True:
            self._chunk_at = at
            line = self.buffer.find(b"\r\n", at, at + _CHUNK_LINE_BYTES)
            if line < 0:
                if len(self.buffer) >= at + _CHUNK_LINE_BYTES:
                    raise Invalid("A chunk of the body has no proper size.", code="malformed_request")
                return
            size = _CHUNK_SIZE.fullmatch(self.buffer, at, line)
            if size is None:
                raise Invalid("A chunk of the body has no proper size.", code="malformed_request")
            if int(size[1], 16) == 0:
                self.whole = self._trailers_end(line)
                return
            after = line + 2 + int(size[1], 16)
            if len(self.buffer) < after + 2:
                return
            if self.buffer[after : after + 2] != b"\r\n":
                raise Invalid("A chunk of the body is longer than its size says.", code="malformed_request")
            at = after + 2

    def _trailers_end(self, line: int) -> bool:
        """Whether what follows the last chunk's size line (at ``line``) is there to its empty line."""
        if self.buffer[line : line + 4] == _END:
            return True
        end = self.buffer.find(_END, line, line + HEAD_BYTES)
        if end < 0 and len(self.buffer) > line + HEAD_BYTES:
            raise HeadTooLarge("The trailers of the body are too large.")
        return end >= 0
