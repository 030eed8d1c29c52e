"""The paths under ``/api/auth/``."""

from django.urls import path

from tenants import views

urlpatterns = [
    path("register/", views.RegisterView.as_view()),
    path("token/", views.TokenView.as_view()),
    path("token/refresh/", views.TokenRefresh.as_view()),
    path("token/verify/", views.TokenVerify.as_view()),
    path("token/blacklist/", views.TokenBlacklist.as_view()),
    path("me/", views.MeView.as_view()),
    path("password/change/", views.PasswordChangeView.as_view()),
    path("api-keys/", views.ApiKeyList.as_view()),
    path("api-keys/<key_id>/", views.ApiKeyOne.as_view()),
    path("client/", views.ClientView.as_view()),
]
