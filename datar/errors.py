"""What can go wrong, by kind. This file knows no HTTP, no Django and no SQL driver, and imports nothing of ours.

A kind says what sort of refusal it is, a code names the case (stable, documented in ``docs/reference/errors.md``),
a detail tells a person what was wrong and what to do. ``datar.api.exceptions`` alone turns a kind into a status.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field. ``index`` is the row's place in a batch, None for a single object."""

    field: str
    code: str
    message: str
    index: int | None = None


class DatarError(Exception):
    """Base of every refusal. ``extra`` is merged into the error body (``fields``, ``index`` ...)."""

    default_code: ClassVar[str] = "error"

    def __init__(
        self, detail: str, *, code: str = "", retry_after: int | None = None, extra: dict[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.retry_after = retry_after
        self.extra: dict[str, Any] = extra or {}


class Invalid(DatarError):
    """The request cannot be understood or is not allowed as it stands: mend it and send it again."""

    default_code = "invalid"


class InvalidFields(Invalid):
    """A single object with errors on fields; ``errors`` holds at least one, none with an index."""

    default_code = "validation_error"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors[:3]))
        self.errors = tuple(errors)

    @classmethod
    def one(cls, field: str, code: str, message: str) -> "InvalidFields":
        """The common case: one field, one message."""
        return cls([FieldError(field, code, message)])


class InvalidRows(Invalid):
    """An array with errors in rows; every error has an index. ``total`` is the number of rows sent.

    ``invalid_rows`` counts them all when ``errors`` speaks of the first ones only.
    """

    default_code = "validation_error"

    def __init__(self, errors: Sequence[FieldError], total: int, invalid_rows: int | None = None) -> None:
        self.errors = tuple(errors)
        self.total = total
        self.invalid_rows = len({error.index for error in errors}) if invalid_rows is None else invalid_rows
        super().__init__(f"{self.invalid_rows} of {total} rows are invalid")


class NotSupportedYet(Invalid):
    """Part of the contract that is not built yet: refused, never ignored."""

    default_code = "not_supported_yet"


class NotAuthenticated(DatarError):
    """Nobody, or not who they say they are."""

    default_code = "not_authenticated"


class Denied(DatarError):
    """Known, but not allowed."""

    default_code = "permission_denied"


class NotFound(DatarError):
    """Not there, or another tenant's: the two look alike."""

    default_code = "not_found"

    def __init__(self, detail: str = "Not found.", *, code: str = "", extra: dict[str, Any] | None = None) -> None:
        super().__init__(detail, code=code, extra=extra)


class NotAllowed(DatarError):
    """This method is not for this resource; ``allowed`` lists those that are."""

    default_code = "method_not_allowed"

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f'Method "{method}" is not allowed here; allowed: {", ".join(allowed)}.')
        self.allowed = tuple(allowed)


class NotAcceptable(DatarError):
    """No form the client accepts can be made."""

    default_code = "not_acceptable"


class UnsupportedMedia(DatarError):
    """The body is of a type, or in an encoding, that is not read here."""

    default_code = "unsupported_media_type"


class Conflict(DatarError):
    """The stored state does not allow it."""

    default_code = "conflict"


class PreconditionFailed(DatarError):
    """What the client said must hold does not."""

    default_code = "precondition_failed"


class PreconditionRequired(DatarError):
    """The client must say which state of the thing it means to change."""

    default_code = "precondition_required"


class TooLarge(DatarError):
    """Too many bytes or items in a body."""

    default_code = "payload_too_large"


class ClientGone(DatarError):
    """Whoever asked closed their side while their request was under way; what it had not finished is undone."""

    default_code = "client_gone"

    def __init__(self) -> None:
        super().__init__("You closed the connection before the answer was ready.")


class TooSlow(DatarError):
    """The client did not send its request in time."""

    default_code = "request_timeout"


class Unavailable(DatarError):
    """Cannot be done now; ``retry_after`` (seconds) says when to try again."""

    default_code = "unavailable"

    def __init__(self, detail: str, *, code: str = "", retry_after: int = 1) -> None:
        super().__init__(detail, code=code, retry_after=retry_after)


SQLSTATES: dict[str, tuple[type[DatarError], str, str]] = {
    # class or full state: kind, code, what the client is told (never the server's own text)
    "08": (Unavailable, "db_unavailable", "The database cannot be reached; try again."),
    "53": (Unavailable, "db_unavailable", "The database has no room for another connection; try again."),
    "53100": (Unavailable, "storage_full", "The database's disk is full; reads still work."),
    "57": (Unavailable, "db_unavailable", "The database is restarting; try again."),
    "57014": (Unavailable, "query_timeout", "The query took too long; ask for less or filter by an indexed field."),
    "25006": (Unavailable, "db_unavailable", "The database is read-only for the moment; try again."),
    "40001": (Conflict, "conflict_retry", "Another write came between; send the request again."),
    "40P01": (Conflict, "conflict_retry", "Another write came between; send the request again."),
    "55P03": (Unavailable, "schema_locked", "The table is locked by a change of its schema; try again."),
    "23505": (Conflict, "conflict_unique", "A row with this value exists already."),
    "23001": (Conflict, "conflict_foreign_key", "A row that is referred to does not exist, or is still referred to."),
    "23503": (Conflict, "conflict_foreign_key", "A row that is referred to does not exist, or is still referred to."),
    "23502": (Invalid, "required", "A required value is missing."),
    "23514": (Invalid, "check_failed", "A value breaks a constraint of the table."),
    "22003": (Invalid, "number_out_of_range", "A number is out of range."),
    "2200H": (Conflict, "key_space_exhausted", "The table's generated keys are used up; send keys of your own."),
    "22": (Invalid, "invalid_value", "A value cannot be stored as its field's type."),
    "54000": (Invalid, "value_too_long_for_index", "A value of a key or an index is too long; shorten it."),
    "54": (Invalid, "schema_too_large", "The row or table is larger than the database can hold."),
}


def from_sqlstate(state: str | None) -> DatarError | None:
    """A PostgreSQL SQLSTATE as one of our kinds; no state at all is a lost connection; None for a bug of ours.

    Source: PostgreSQL documentation, appendix A (error codes).
    """
    if state is None:
        kind, code, detail = SQLSTATES["08"]
    elif state in SQLSTATES or state[:2] in SQLSTATES:
        kind, code, detail = SQLSTATES.get(state) or SQLSTATES[state[:2]]
    else:
        return None
    return kind(detail, code=code)
