"""URLs of rows. ``upsert`` and ``query`` are words for POST only, so a record may have either as its id."""

from typing import Any

from django.urls import include, path

from datatables.record_views import RecordDetail, RecordList, RecordQuery, RecordUpsert

_MANY: dict[str, Any] = {"get": "list", "post": "create", "patch": "partial_update", "delete": "destroy"}
_ONE: dict[str, Any] = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
_WORD: dict[str, Any] = {**_ONE, "post": "create"}

_DATA = [
    path("", RecordList.as_view(_MANY), name="records"),
    path("upsert/", RecordUpsert.as_view(_WORD), {"record_id": "upsert"}, name="record-upsert"),
    path("query/", RecordQuery.as_view(_WORD), {"record_id": "query"}, name="record-query"),
    path("<str:record_id>/", RecordDetail.as_view(_ONE), name="record"),
]

urlpatterns = [path("apps/<str:app_slug>/datatables/<str:name>/data/", include(_DATA))]
