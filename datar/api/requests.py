"""The request as the application sees it. It refuses to believe a charset: URLs and bodies are UTF-8 here."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Request(WSGIRequest):
    """Django would read the query in the charset the body claims, and end the request at one that is no text."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))


class Application(WSGIHandler):
    """Django's WSGI handler with this request; ``datar.wsgi`` makes the application of it."""

    request_class = Request
