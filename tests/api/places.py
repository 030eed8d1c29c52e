"""Every place of a request about rows that takes a client's text: parameters, bodies, paths, headers."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from tests.api.queried import Stage, url
from tests.cast import Answer, Api

Send = Callable[[Api, Stage, str], Answer]
"""A request with a payload in one place."""


def asked(*pairs: tuple[str, str], table: str = "things") -> Send:
    """A list with these parameters, ``§`` being the payload and ``§j`` the payload as a JSON text."""

    def send(api: Api, stage: Stage, text: str) -> Answer:
        filled = [(fill(name, text), fill(value, text)) for name, value in pairs]
        return api.get(url(getattr(stage, table), filled))

    return send


def fill(template: str, text: str) -> str:
    """The template with the payload."""
    return template.replace("§j", json.dumps(text)).replace("§", text)


def in_body(value: Any) -> Send:
    """data/query/ with this body, ``§`` being the payload in keys and values."""

    def send(api: Api, stage: Stage, text: str) -> Answer:
        return api.post(f"{stage.things}query/", filled(value, text))

    return send


def filled(value: Any, text: str) -> Any:
    """The same JSON with the payload in its keys and values."""
    if isinstance(value, dict):
        return {fill(name, text): filled(item, text) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, text) for item in value]
    return fill(value, text) if isinstance(value, str) else value


def with_header(name: str, template: str = "§", *, one: bool = False) -> Send:
    """A list, or one record, with the payload in a header as a server hands it over: Latin-1, no line ends, no NUL."""

    def send(api: Api, stage: Stage, text: str) -> Answer:
        text = re.sub(r"[\x00-\x1f\x7f]", " ", text).encode().decode("latin-1")
        path = f"{stage.things}1/" if one else stage.things
        return api.request("GET", path, None, **{name: fill(template, text)})

    return send


VALUES = [
    *("name", "name__eq", "name__ne", "name__gt", "name__in", "name__nin", "name__between", "name__contains"),
    *("name__ncontains", "name__icontains", "name__startswith", "name__iexact", "name__like", "name__ilike"),
    *("name__isnull", "price", "price__gte", "price__in", "stock", "stock__between", "sold", "day", "day__year"),
    *("at", "at__lt", "at__hour", "at__date", "meta__color", "meta__color__gt", "meta__color__in", "meta__contains"),
    *("meta__color__like", "meta__has_key", "meta__has_any_keys", "meta__contained_by", "tags__contains", "span"),
    *("code", "id", "id__in", "maker.name", "maker.name__icontains", "parts.label", "parts.id__nin", "search"),
    *("ordering", "fields", "populate", "cursor", "page", "page_size", "limit", "offset", "filters", "_aggregate"),
    *("_group_by", "_having", "_count", "_meta", "populate_limit", "format", "include", "ids", "filter"),
    *("unique_fields", "on_error", "dry_run", "depth"),
]
"""Parameters whose value is the payload."""
NAMES = [
    *("§", '"§"', "§__eq", "name__§", "name__§__eq", "at__§", "at__year__§", "meta__§", 'meta__"§"', "meta__§__gt"),
    *("maker.§", "§.name", '"§".name', "parts.§", "parts.thing.§", "_§", "name §"),
]
"""Names that hold the payload."""
PAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    **{f"{name}=§": ((name, "§"),) for name in VALUES},
    **{f"{name}=1": ((name, "1"),) for name in NAMES},
    **{
        f"ordering={term}": (("ordering", term),)
        for term in ("-§", "name,§", "§,-name", '"§"', "maker.§", "§.name", "meta__§", "-rank§")
    },
    "ordering=rank": (("search", "§"), ("ordering", "-rank")),
    "search, filtered": (("search", "lamp §"), ("name", "§"), ("_count", "estimated")),
    **{f"fields={term}": (("fields", term),) for term in ("name,§", '"§"')},
    **{f"populate={term}": (("populate", term),) for term in ("maker.§", "§.maker", "maker,§", '"§"')},
    "populate_limit": (("populate", "parts"), ("populate_limit", "§")),
    "cursor, filtered": (("cursor", ""), ("name__ne", "§"), ("page_size", "1")),
    "_count=none": (("name", "§"), ("_count", "none")),
    **{
        f"filters={tree}": (("filters", tree),)
        for tree in (
            *('{"name":§j}', '{"name__in":[§j]}', "{§j:1}", '{"§":1}', '{"name__§":"x"}', '{"meta__color":§j}'),
            *('{"or":[{"name":§j},{"maker.name":§j}]}', '{"not":{"name__icontains":§j}}', '{§j:[{"name":"x"}]}'),
            *('[{"field":§j,"value":1}]', '[{"field":"name","operator":§j,"value":1}]', '{"name":{§j:1}}'),
            *('[{"field":"name","value":§j}]', '[{"field":"name","value":1,§j:1}]', '{"tags__contains":{§j:§j}}'),
        )
    },
    **{
        f"_aggregate={term}": (("_aggregate", term),)
        for term in (
            *("sum(§)", 'sum("§")', "count(distinct §)", "count(*) as §", 'count(*) as "§"', "§(price)", "§(*)"),
            *("max(year(§))", "min(§(at))", "min(date_trunc('§',at))", "min(date_trunc('day',§))", "sum(meta__§)"),
            *("min(date_trunc('day',at,§))", "min(date_trunc('day',at,'§'))", "string_agg(maker.§)", "count(*),§"),
        )
    },
    **{
        f"_group_by={term}": (("_group_by", term), ("_aggregate", "count(*)"))
        for term in (
            *("§", '"§"', "name,§", "name as §", "year(§)", "§(at)", "date_trunc('§',at)", "date_trunc('day',at,'§')"),
            *("maker.§", "meta__§", 'meta__"§"'),
        )
    },
    **{
        f"_having={term}": (("_group_by", "name"), ("_aggregate", "count(*)"), ("_having", term))
        for term in (
            *("§", "count>§", "§>1", '"§">1', "count__§=1", "name=§", 'name="§"', "name__in=[§j]", "name__contains=§"),
            *("count__in=§", "count>0,§", "name__§__eq=1"),
        )
    },
    "groups, ordering": (("_group_by", "name"), ("_aggregate", "count(*)"), ("ordering", "§")),
    "groups, filtered": (("_group_by", "name"), ("_aggregate", "count(*) as n"), ("name__icontains", "§")),
    "groups, page": (("_group_by", "name"), ("page", "§")),
}
BODIES: dict[str, Any] = {
    "§": "§",
    "key": {"§": 1},
    "value": {"filters": {"name": "§"}},
    "name": {"filters": {"§": 1}},
    "operator": {"filters": [{"field": "name", "operator": "§", "value": 1}]},
    "triple": {"filters": [{"field": "§", "value": "§"}]},
    "list": {"filters": {"name__in": ["§", "lamp"]}},
    "json": {"filters": {"meta__contains": {"§": ["§"]}}},
    "nested": {"filters": {"not": {"or": [{"name": "§"}, {"maker.name__contains": "§"}]}}},
    **{word: {word: ["§"]} for word in ("ordering", "fields", "populate", "_aggregate", "_group_by")},
    **{f"{word} text": {word: "§"} for word in ("search", "cursor", "page", "limit", "_count", "_meta", "filters")},
    "having": {"_group_by": ["name"], "_aggregate": ["count(*)"], "_having": {"§": 1}},
    "having value": {"_group_by": ["name"], "_having": {"name": "§"}},
    "having term": {"_group_by": ["name"], "_having": ["name=§"]},
    "alias": {"_aggregate": ["count(*) as §"]},
    "path": {"_aggregate": ['sum("§")'], "_group_by": ['"§"', "maker.§"]},
}


def in_path(template: str) -> Send:
    """GET of a path, ``§`` being the payload, percent-encoded whole."""

    def send(api: Api, stage: Stage, text: str) -> Answer:
        slug = stage.app.split("/")[3]
        part = quote(text.encode(), safe="")
        return api.get(template.replace("APP", slug).replace("§", part))

    return send


def removal(*pairs: tuple[str, str]) -> Send:
    """DELETE of rows that nothing is equal to."""

    def send(api: Api, stage: Stage, text: str) -> Answer:
        return api.delete(url(stage.things, [(fill(name, text), fill(value, text)) for name, value in pairs]))

    return send


def upsert(*pairs: tuple[str, str]) -> Send:
    """An upsert by fields that are no key."""

    def send(api: Api, stage: Stage, text: str) -> Answer:
        filled_in = [(fill(name, text), fill(value, text)) for name, value in pairs]
        return api.post(url(f"{stage.things}upsert/", filled_in), {"id": 1, "name": "lamp"})

    return send


def wrong_body(value: Any, method: str = "POST", place: str = "") -> Send:
    """A write that is refused: the payload is a field's name, or a value that is none."""

    def send(api: Api, stage: Stage, text: str) -> Answer:
        return api.request(method, stage.things + place, filled(value, text))

    return send


def text_of(accept: str, *pairs: tuple[str, str]) -> Send:
    """A list as lines of text; its answer's bytes are read whole."""

    def send(api: Api, stage: Stage, text: str) -> Answer:
        sent = [(fill(name, text), fill(value, text)) for name, value in pairs]
        return api.get(url(stage.things, sent), accept=accept)

    return send


SENDS: dict[str, Send] = {
    **{f"? {name}": asked(*pairs) for name, pairs in PAIRS.items()},
    **{f"body {name}": in_body(value) for name, value in BODIES.items()},
    "path app": in_path("/api/apps/§/datatables/things/data/"),
    "path table": in_path("/api/apps/APP/datatables/§/data/"),
    "path record": in_path("/api/apps/APP/datatables/things/data/§/"),
    "path record query": in_path("/api/apps/APP/datatables/things/data/1/?fields=§"),
    "path record populate": in_path("/api/apps/APP/datatables/things/data/1/?populate=§"),
    "path record unknown": in_path("/api/apps/APP/datatables/things/data/1/?§=1"),
    "delete filter": removal(("filter", "§")),
    "delete filter value": removal(("filter", '{"name":§j}')),
    "delete filter name": removal(("filter", "{§j:1}")),
    "delete filter path": removal(("filter", '{"and":[{"parts.label":§j},{"meta__§":"x"},{"id":1}]}')),
    "delete ids": removal(("ids", "§")),
    "delete ids list": removal(("ids", "1,§")),
    "delete word": removal(("§", "1")),
    "upsert unique_fields": upsert(("unique_fields", "§")),
    "upsert unique_fields list": upsert(("unique_fields", "id,§")),
    "upsert word": upsert(("§", "1")),
    "create word": lambda api, stage, text: api.post(url(stage.things, [("on_error", text)]), {}),
    "create field": wrong_body({"§": 1}),
    "create integer": wrong_body({"stock": "§"}),
    "create rows": wrong_body([{"price": 1}, {"day": "§"}]),
    "patch field": wrong_body({"§": 1}, "PATCH", "1/"),
    "patch rows": wrong_body([{"id": "§", "name": "x"}], "PATCH"),
    "put code": wrong_body({"code": "§", "sold": "§"}, "PUT", "1/"),
    "header Api-Key": with_header("api_key"),
    "header Authorization": with_header("authorization"),
    "header Authorization Bearer": with_header("authorization", "Bearer §"),
    "header Accept": with_header("accept"),
    "header If-Match": with_header("if_match", one=True),
    "header If-None-Match": with_header("if_none_match", one=True),
    "header If-None-Match tag": with_header("if_none_match", '"§"', one=True),
    "header Prefer": with_header("prefer"),
    "header X-Request-Id": with_header("x_request_id"),
    "header Idempotency-Key": with_header("idempotency_key"),
    "csv": text_of("text/csv", ("name", "§")),
    "csv groups": text_of("text/csv", ("_group_by", "name"), ("_having", "name=§")),
    "lines": text_of("application/x-ndjson", ("search", "§"), ("maker.name__ne", "§")),
}
