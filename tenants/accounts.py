"""Users: made, logged in, their passwords changed. A password's hash is computed for every attempt, right or wrong."""

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from datar.errors import Conflict, FieldError, InvalidFields, NotAuthenticated, NotFound
from tenants import tokens
from tenants.authentication import forget_user, require_same_tenant, standing_of
from tenants.context import PUBLIC, use
from tenants.emails import lower_email, require_email
from tenants.keys import Grant
from tenants.models import Role, User
from tenants.tokens import Claims, read_token


def require_good_password(password: str, *, email: str, field: str = "password") -> None:
    """Raise InvalidFields ``weak_password`` with every reason."""
    try:
        validate_password(password, User(email=email))
    except ValidationError as error:
        raise InvalidFields([FieldError(field, "weak_password", text) for text in error.messages]) from None


def create_user(*, namespace: str, email: str, password: str, role: str, name: str = "") -> User:
    """A new user of the namespace; email and password are already checked."""
    with use(namespace):
        return User.objects.create(email=lower_email(email), password=make_password(password), role=role, name=name)


def log_in(*, namespace: str, email: str, password: str) -> dict[str, str]:
    """A pair of tokens for a user of the namespace. Raises NotAuthenticated ``invalid_credentials``, always alike."""
    with use(namespace):
        user = User.objects.filter(email=lower_email(email), is_active=True).first()
    # Without a user the hash is made of nothing, so that both cases take the same time.
    if not check_password(password, user.password if user else "!") or user is None:
        hint = "" if namespace != PUBLIC else " Without an Api-Key only operators log in: send your tenant's Api-Key."
        raise NotAuthenticated(f"No active account has these credentials.{hint}", code="invalid_credentials")
    return tokens.issue_pair(user, namespace=namespace)


def refresh(*, token: str, grant: Grant | None) -> dict[str, str]:
    """A new pair for a refresh token, which is used up. Raises NotAuthenticated, Denied."""
    claims = _living(token, grant, "refresh")
    with use(claims.tenant):
        user = User.objects.filter(pk=claims.user_id).first()
    if user is None:
        raise tokens.revoked()
    return tokens.rotate(claims, user)


def verify(*, token: str, grant: Grant | None) -> None:
    """Raise NotAuthenticated or Denied unless the token, of either kind, would be accepted now."""
    claims = _living(token, grant, None)
    if claims.family:
        tokens.require_newest(claims)


def blacklist(*, token: str, grant: Grant | None) -> None:
    """End the log-in a refresh token belongs to. Raises NotAuthenticated, Denied."""
    tokens.revoke_family(_living(token, grant, "refresh"))


def _living(token: str, grant: Grant | None, kind: tokens.Kind | None) -> Claims:
    claims = read_token(token, kind)
    require_same_tenant(claims, grant)
    standing_of(claims)
    return claims


def find_user(*, namespace: str, user_id: int) -> User:
    """The user. Raises NotAuthenticated when they are gone."""
    with use(namespace):
        user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise tokens.revoked()
    return user


def require_password(*, user: User, password: str, field: str = "password") -> None:
    """Raise InvalidFields ``wrong_password`` unless it is the user's."""
    if not check_password(password, user.password):
        raise InvalidFields.one(field, "wrong_password", "This is not your password.")


def change_password(*, namespace: str, user_id: int, old_password: str, new_password: str) -> dict[str, str]:
    """Change a user's password; every token they have is dead, and a new pair is answered. Raises InvalidFields."""
    user = find_user(namespace=namespace, user_id=user_id)
    require_password(user=user, password=old_password, field="old_password")
    require_good_password(new_password, email=user.email, field="new_password")
    with use(namespace), transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        require_password(user=user, password=old_password, field="old_password")
        user.password = make_password(new_password)
        user.token_version += 1
        user.save(update_fields=["password", "token_version"])
        tokens.revoke_families(user, namespace=namespace)
        pair = tokens.issue_pair(user, namespace=namespace)
    forget_user(namespace, user_id)
    return pair


def reset_password(*, namespace: str, email: str, password: str) -> None:
    """Give a user a new password without asking for the old one: for commands only. Every token they have is dead.

    Raises InvalidFields (a weak password), NotFound.
    """
    require_good_password(password, email=email)
    with use(namespace), transaction.atomic():
        user = User.objects.select_for_update().filter(email=lower_email(email), is_active=True).first()
        if user is None:
            raise NotFound(f"There is no active user '{email}'.")
        user.password = make_password(password)
        user.token_version += 1
        user.save(update_fields=["password", "token_version"])
        tokens.revoke_families(user, namespace=namespace)
    forget_user(namespace, user.pk)


def create_operator(*, email: str, password: str, role: str = Role.ADMIN) -> User:
    """A user of ``public``. Raises InvalidFields, Conflict."""
    email = lower_email(email)
    require_email(email)
    require_good_password(password, email=email)
    with use(PUBLIC), transaction.atomic():
        if User.objects.filter(email=email).exists():
            raise Conflict("There is an operator with this e-mail already.", code="conflict_unique")
        return create_user(namespace=PUBLIC, email=email, password=password, role=role)
