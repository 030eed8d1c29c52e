"""What who forgot the Api-Key is told beside that something is not there; with a key nothing is added (TI-08)."""

from django.http import HttpRequest

from datar.errors import NotFound

_WITHOUT_KEY = "Without an Api-Key the public data is shown; send your tenant's Api-Key to see its own."


def hinted(error: Exception, request: HttpRequest) -> Exception:
    """The error; a NotFound of a request that sent no Api-Key says what such a request sees."""
    if isinstance(error, NotFound) and "HTTP_API_KEY" not in request.META:
        return NotFound(f"{error.detail} {_WITHOUT_KEY}", code=error.code, extra=error.extra)
    return error
