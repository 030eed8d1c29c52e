"""What is stored about who: clients and keys (in ``public`` alone), users and token families (in every namespace).

It knows columns and constraints. It refuses to do anything in ``save()``: the verbs are in the services.
"""

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django_tenants.models import DomainMixin, TenantMixin


class Status(models.TextChoices):
    """What a client may do now; ``deleted`` rows stay, so that no schema name is ever used twice."""

    PROVISIONING = "provisioning"
    READY = "ready"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class Scope(models.TextChoices):
    """What a key allows at the most, whoever uses it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class Role(models.TextChoices):
    """What a user may do; each role includes those below it."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


class Client(TenantMixin):  # type: ignore[misc]  # django-tenants has no types
    """An API client (tenant). ``schema_name`` is its namespace; the schema is made and dropped by services only.

    ``email_identity`` is the e-mail with every look-alike folded away; null once deleted, so the e-mail is free again.
    """

    auto_create_schema = False
    auto_drop_schema = False

    name = models.CharField(max_length=255, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    email_identity = models.CharField(max_length=254, unique=True, null=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.READY)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "datar_client"


class Domain(DomainMixin):  # type: ignore[misc]  # django-tenants has no types
    """Demanded by django-tenants, never used: a client is found by its key, not by a host name."""

    class Meta:
        db_table = "datar_domain"


class ApiKey(models.Model):
    """A key of a client. The key itself is shown once; ``digest`` is its SHA-256 (see ``tenants.keys``)."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="keys")
    label = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=16)
    last_four = models.CharField(max_length=4)
    digest = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=8, choices=Scope.choices, default=Scope.ADMIN)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "datar_api_key"


class User(AbstractBaseUser):
    """A person within one namespace; the e-mail, lower case, is the username.

    ``token_version`` stands in every token: raising it ends all of them at once.
    """

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=255, blank=True)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.VIEWER)
    is_active = models.BooleanField(default=True)
    token_version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BaseUserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        db_table = "datar_user"


class TokenFamily(models.Model):
    """All refresh tokens that descend from one log-in; only the newest, ``jti``, may be used.

    A second use of an older one means that it was stolen: then the whole family is revoked.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="token_families")
    jti = models.CharField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "datar_token_family"
