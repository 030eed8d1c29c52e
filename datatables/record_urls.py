"""URLs of rows. ``upsert`` and ``query`` are words for POST only, so a record may have either as its id."""

from typing import Any

from django.urls import path

from datatables.record_views import RecordDetail, RecordList, RecordQuery, RecordUpsert

_DATA = "apps/<str:app_slug>/datatables/<str:name>/data/"
_MANY: dict[str, Any] = {"get": "list", "post": "create", "patch": "partial_update", "delete": "destroy"}
_ONE: dict[str, Any] = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
_WORD: dict[str, Any] = {**_ONE, "post": "create"}

urlpatterns = [
    path(_DATA, RecordList.as_view(_MANY), name="records"),
    path(_DATA + "upsert/", RecordUpsert.as_view(_WORD), {"record_id": "upsert"}, name="record-upsert"),
    path(_DATA + "query/", RecordQuery.as_view(_WORD), {"record_id": "query"}, name="record-query"),
    path(_DATA + "<str:record_id>/", RecordDetail.as_view(_ONE), name="record"),
]
