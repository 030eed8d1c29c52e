"""The paths of datasources, under ``/api/``."""

from django.urls import path

from datasources import views

BASE = "apps/<str:app_slug>/datasources/"
ONE = f"{BASE}<str:datasource_slug>/"

urlpatterns = [
    path(BASE, views.DataSourceList.as_view()),
    path(ONE, views.DataSourceOne.as_view()),
    path(f"{ONE}stats/", views.DataSourceStats.as_view()),
    path(f"{ONE}restore/", views.DataSourceRestore.as_view()),
]
