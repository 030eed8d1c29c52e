"""Rows over HTTP: read the request, call the RecordSet, pass its bytes on.

This is the request path that matters, so DRF's request wrapping and negotiation are left out: the views stay
viewsets for the router and the API document, but dispatch goes straight from Django's request to the verb.
"""

from string import printable
from typing import Any, ClassVar, Final
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.viewsets import ViewSetMixin

from datar.api.accepting import check_accept, json_or
from datar.api.body import check_json_body, read_body
from datar.api.conditional import check_conditions, if_match, if_none_match
from datar.api.exceptions import error_response
from datar.api.responses import deleted, lines, options, records, unchanged
from datar.api.views import RECORDS_LATER, ApiView, authenticate, refuse_later_headers
from datar.errors import Invalid, NotAllowed
from datatables.catalog import record_set
from datatables.record_docs import detail_docs, list_docs, query_docs, upsert_docs
from datatables.streams import Streamed
from records.answers import Answer
from records.exports import Form
from records.params.flat import Pairs, read_pairs
from records.recordset import RecordSet
from tenants.hints import hinted

_FORMS: Final[dict[str, Form]] = {"text/csv": "csv", "application/x-ndjson": "ndjson"}
_TYPES: Final[dict[Form, str]] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "ndjson": "application/x-ndjson",
}


class RecordView(ViewSetMixin, ApiView):
    """Dispatch of the record endpoints: authenticate, authorize, look the table up, call the action."""

    rights: ClassVar = {**ApiView.rights, "POST": "rows", "PUT": "rows", "PATCH": "rows", "DELETE": "rows"}
    of_one: ClassVar[bool] = False
    """Whether the URL is one record's."""
    lists: ClassVar[frozenset[str]] = frozenset()
    """The methods whose answer is a list, which can be had as lines of text."""
    form: Form | None = None
    """The form of text that the client wants instead of JSON."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """One request, without DRF's own wrapping; every exception through the one handler."""
        try:
            return self._answer(request, **kwargs)
        except Exception as error:  # noqa: BLE001 - the one handler decides, bugs included
            return error_response(hinted(error, request), request)

    def _answer(self, request: HttpRequest, app_slug: str, name: str, **kwargs: str) -> HttpResponseBase:
        method = str(request.method)
        actor = authenticate(request)
        actor.require(self.rights.get(method, "read"))
        action = getattr(self, method.lower(), None)
        if action is None or method.lower() not in self.http_method_names:
            raise NotAllowed(method, [word for word in self.allowed_methods if word != "OPTIONS"])
        accepted = request.META.get("HTTP_ACCEPT", "")
        if method in self.lists:
            self.form = _FORMS.get(json_or(accepted, tuple(_FORMS)))
        else:
            check_accept(accepted)
        if method == "OPTIONS":
            return options(self.allowed_methods)
        refuse_later_headers(request.META, RECORDS_LATER)
        check_conditions(request.META, method, one=self.of_one)
        response: HttpResponseBase = action(request, record_set(actor, app_slug, name), **kwargs)
        return response


def _pairs(request: HttpRequest) -> Pairs:
    query = request.META.get("QUERY_STRING", "")
    # WSGI hands bytes over as Latin-1; letters that were not percent-encoded are UTF-8.
    return read_pairs(query if query.isascii() else quote(query.encode("latin-1"), safe=printable))


def _body(request: HttpRequest) -> bytes:
    check_json_body(request)
    return read_body(request)


def _minimal(request: HttpRequest) -> bool:
    """Whether the client prefers a count to the rows (RFC 7240)."""
    words = [part.strip().lower() for part in request.META.get("HTTP_PREFER", "").split(",")]
    return "return=minimal" in words


def _answered(answer: Answer, request: HttpRequest, *, minimal: bool = False) -> HttpResponse:
    response = records(answer.body, 201 if answer.created else 200)
    if answer.tag:
        response["ETag"] = answer.tag
    if answer.record_id:
        path = request.path.removesuffix("upsert/")
        response["Location"] = f"{path}{answer.record_id}/"
    if minimal:
        response["Preference-Applied"] = "return=minimal"
    return response


def _listed(body: bytes) -> HttpResponse:
    """A list as JSON, which others may want in another form."""
    response = records(body)
    response["Vary"] = "Accept"
    return response


def _lines(pieces: Streamed, form: Form, request: HttpRequest) -> HttpResponseBase:
    """A list as lines of text."""
    response = lines(pieces, _TYPES[form], head=request.method == "HEAD")
    response["Vary"] = "Accept"
    return response


@list_docs
class RecordList(RecordView):
    """``data/``: the rows of a table, and writes of many."""

    lists = frozenset({"GET", "HEAD"})

    def list(self, request: HttpRequest, rows: RecordSet) -> HttpResponseBase:
        """A page of rows; as lines of text, all of them."""
        if self.form is not None:
            pairs, form = _pairs(request), self.form
            return _lines(Streamed(lambda: rows.export(pairs, form)), form, request)
        return _listed(rows.list(_pairs(request)))

    def create(self, request: HttpRequest, rows: RecordSet) -> HttpResponse:
        """Create one row, or many at once."""
        minimal = _minimal(request)
        return _answered(rows.create(_body(request), _pairs(request), minimal=minimal), request, minimal=minimal)

    def partial_update(self, request: HttpRequest, rows: RecordSet) -> HttpResponse:
        """Change many rows by key."""
        minimal = _minimal(request)
        return _answered(rows.update_many(_body(request), _pairs(request), minimal=minimal), request, minimal=minimal)

    def destroy(self, request: HttpRequest, rows: RecordSet) -> HttpResponse:
        """Delete the rows named in ``ids``, or all that ``filter`` finds."""
        return _answered(rows.delete_many(_pairs(request)), request)


@detail_docs
class RecordDetail(RecordView):
    """``data/{id}/``: one row."""

    of_one = True

    def retrieve(self, request: HttpRequest, rows: RecordSet, record_id: str) -> HttpResponse:
        """One row, or that the client has it as it is."""
        conditions = {"if_match": if_match(request.META), "if_none_match": if_none_match(request.META)}
        answer = rows.get(record_id, _pairs(request), **conditions)
        return unchanged(answer.tag) if answer.unchanged else _answered(answer, request)

    def partial_update(self, request: HttpRequest, rows: RecordSet, record_id: str) -> HttpResponse:
        """Change the sent fields of a row."""
        tags = if_match(request.META)
        return _answered(rows.update(record_id, _body(request), _pairs(request), if_match=tags), request)

    def update(self, request: HttpRequest, rows: RecordSet, record_id: str) -> HttpResponse:
        """Replace a row; absent fields take their default or null."""
        tags = if_match(request.META)
        answer = rows.update(record_id, _body(request), _pairs(request), replace=True, if_match=tags)
        return _answered(answer, request)

    def destroy(self, request: HttpRequest, rows: RecordSet, record_id: str) -> HttpResponse:
        """Delete a row."""
        rows.delete(record_id, _pairs(request), if_match=if_match(request.META))
        return deleted()


@upsert_docs
class RecordUpsert(RecordDetail):
    """``data/upsert/``: a word for POST; every other method speaks of a record of that id."""

    def create(self, request: HttpRequest, rows: RecordSet, record_id: str) -> HttpResponse:
        """Create rows, or change those that the unique fields find."""
        minimal = _minimal(request)
        return _answered(rows.upsert(_body(request), _pairs(request), minimal=minimal), request, minimal=minimal)


@query_docs
class RecordQuery(RecordDetail):
    """``data/query/``: a word for POST, the list with its query as a body."""

    rights: ClassVar = {**RecordView.rights, "POST": "read"}
    lists = frozenset({"POST"})

    def create(self, request: HttpRequest, rows: RecordSet, record_id: str) -> HttpResponseBase:
        """The list, asked in a body."""
        for name, _ in _pairs(request):
            raise Invalid(f"'{name}' belongs into the body of data/query/.", code="unknown_parameter")
        if self.form is not None:
            body, form = _body(request), self.form
            return _lines(Streamed(lambda: rows.export_query(body, form)), form, request)
        return _listed(rows.query(_body(request)))
