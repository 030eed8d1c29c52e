"""The view that everything about a tenant's metadata is built on; it knows no endpoint."""

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from datar.api.views import ApiView
from tenants.context import PUBLIC, activate
from tenants.departed import refusal_when_gone
from tenants.hints import hinted
from tenants.roles import TenantActor


class TenantView(ApiView):
    """An endpoint of the actor's namespace: Django's connection is on it while the view runs, then on ``public``."""

    actor: TenantActor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Once it is known who asks, and that they may: their namespace."""
        super().initial(request, *args, **kwargs)
        activate(self.actor.namespace)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """However the request ends, the next one of this thread begins on ``public``."""
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            activate(PUBLIC)

    def handle_exception(self, exc: Exception) -> Any:
        """What fails because the client was deleted a moment ago is refused as it will be in a second."""
        actor: TenantActor | None = getattr(self, "actor", None)
        error = exc if actor is None else refusal_when_gone(exc, actor.namespace)
        return super().handle_exception(hinted(error, self.request._request))
