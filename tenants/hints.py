"""What a person who forgot the Api-Key is told beside "Not found."; with a key nothing is added (TI-08)."""

from django.http import HttpRequest

from datar.errors import NotFound

_WITHOUT_KEY = "Not found. Without an Api-Key the public data is shown; send your tenant's Api-Key to see its own."


def hinted(error: Exception, request: HttpRequest) -> Exception:
    """The error; a plain NotFound of a request that sent no Api-Key says what such a request sees."""
    if isinstance(error, NotFound) and error.detail == "Not found." and "HTTP_API_KEY" not in request.META:
        return NotFound(_WITHOUT_KEY, code=error.code, extra=error.extra)
    return error
