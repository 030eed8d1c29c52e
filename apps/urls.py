"""The paths of apps, under ``/api/``."""

from django.urls import path

from apps import views

urlpatterns = [
    path("", views.Index.as_view()),
    path("apps/", views.AppList.as_view()),
    path("apps/<str:app_slug>/", views.AppOne.as_view()),
    path("apps/<str:app_slug>/stats/", views.AppStats.as_view()),
    path("apps/<str:app_slug>/restore/", views.AppRestore.as_view()),
]
