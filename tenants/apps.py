"""Django's name for this package, and the one thing done at start."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Tenants."""

    name = "tenants"

    def ready(self) -> None:
        """Content types are remembered by namespace, before any is asked for."""
        from tenants.context import separate_content_types  # noqa: PLC0415 - models exist only now

        separate_content_types()
