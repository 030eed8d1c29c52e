"""The paths of datatables, under ``/api/``."""

from django.urls import URLPattern, path

from datatables import schema_views, views

APP = "apps/<str:app_slug>/datatables/"
SOURCE = "apps/<str:app_slug>/datasources/<str:datasource_slug>/"


def _one(base: str) -> list[URLPattern]:
    """What can be asked of one table, wherever it is reached from."""
    return [
        path(f"{base}<str:name>/", views.TableOne.as_view()),
        path(f"{base}<str:name>/schema/", schema_views.TableSchemaOnly.as_view()),
        path(f"{base}<str:name>/validate_data/", schema_views.TableValidate.as_view()),
        path(f"{base}<str:name>/materialize/", views.TableMaterialize.as_view()),
        path(f"{base}<str:name>/move/", views.TableMove.as_view()),
        path(f"{base}<str:name>/restore/", views.TableRestore.as_view()),
    ]


urlpatterns = [
    path(APP, views.TableList.as_view()),
    path(f"{APP}stats/", schema_views.TableNumbers.as_view()),
    path(f"{APP}create_schema/", schema_views.PackageTables.as_view()),
    *_one(APP),
    path(f"{APP}<str:name>/operation-history/", schema_views.TableHistory.as_view()),
    path(f"{SOURCE}tables/", views.SourceTables.as_view()),
    path(f"{SOURCE}datatables/", views.SourceTableList.as_view()),
    *_one(f"{SOURCE}datatables/"),
]
