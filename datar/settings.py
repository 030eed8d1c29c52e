"""The one settings file. Values come from the environment through ``datar.env``; a bad one stops the start.

Every ``DATAR_`` name stands in ``docs/reference/settings.md``.
"""

from datetime import timedelta
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from datar import env

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = False
SECRET_KEY = env.secret("DATAR_SECRET_KEY")
ALLOWED_HOSTS = list(env.words("DATAR_ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]")))
ROOT_URLCONF = "datar.urls"
WSGI_APPLICATION = "datar.wsgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LANGUAGE_CODE = "en"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Tenancy: one PostgreSQL schema per tenant; ``tenants.context`` alone knows how.
SHARED_APPS = [
    "django_tenants",
    "tenants",
    "apps",
    "datasources",
    "datatables",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "datar",
]
TENANT_APPS = [
    "tenants",
    "apps",
    "datasources",
    "datatables",
    "django.contrib.contenttypes",
    "django.contrib.auth",
]
INSTALLED_APPS = SHARED_APPS
TENANT_MODEL = "tenants.Client"
TENANT_DOMAIN_MODEL = "tenants.Domain"
DATABASE_ROUTERS = ["tenants.context.SchemaRouter"]
TENANT_SYNC_ROUTER = "tenants.context.SchemaRouter"
EXTRA_SET_TENANT_METHOD_PATH = "tenants.context.forget_public"
AUTH_USER_MODEL = "tenants.User"

DATAR_RECORDS_CONNINFO = env.text("DATABASE_URL", "postgresql://datar@localhost:5432/datar")
_database = conninfo_to_dict(DATAR_RECORDS_CONNINFO)
DATABASES = {
    "default": {
        "ENGINE": "tenants.backend",
        "NAME": _database.get("dbname", "datar"),
        "USER": _database.get("user", ""),
        "PASSWORD": _database.get("password", ""),
        "HOST": _database.get("host", ""),
        "PORT": _database.get("port", ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **{k: v for k, v in _database.items() if k not in {"dbname", "user", "password", "host", "port"}},
            "connect_timeout": 2,
            "options": "-c TimeZone=UTC -c statement_timeout=30000 -c lock_timeout=5000",
        },
    }
}
DATAR_POOL_SIZE = env.integer("DATAR_POOL_SIZE", 4, least=1, most=200)
"""Connections of one process for records."""
DATAR_MONGODB_URL = env.mongodb_url("DATAR_MONGODB_URL")
"""Where the rows of MongoDB datasources live."""
DATAR_EMBEDDED_MONGODB = env.text("DATAR_EMBEDDED_MONGODB", "")
"""The file by which that server is asked for, where it is the embedded one (``datar.wanted``)."""

# --- HTTP
MIDDLEWARE = [
    "datar.api.middleware.Envelope",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tenants.middleware.ApiKeyMiddleware",
]
DATAR_ELSEWHERE = "datatables.elsewhere.MongoRows"
"""What keeps rows beside PostgreSQL, as ``tenants`` meets it."""
DATAR_AUTHENTICATE = "tenants.authentication.authenticate"
"""The function (HttpRequest) -> Actor that ``datar.api`` asks who is calling."""
DATAR_DEPENDENCIES = {"mongodb": "datatables.dependencies.mongodb"}
"""What ``/health/ready/`` names beside PostgreSQL: () -> whether it answers, None while nothing depends on it."""
DATAR_CORS_ORIGINS = env.words("DATAR_CORS_ORIGINS")
DATA_UPLOAD_MAX_MEMORY_SIZE = None  # the limit is ours: records.limits.BODY_BYTES, answered as JSON
SECURE_CONTENT_TYPE_NOSNIFF = True
STATIC_URL = "/static/"
STATIC_ROOT = env.text("DATAR_STATIC_ROOT", "") or None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600

TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

# --- Who
PASSWORD_HASHERS = [
    "tenants.passwords.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    "USER_ID_CLAIM": "user_id",
    "LEEWAY": 0,
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "datar.api.operations.ViewSchema",
    "EXCEPTION_HANDLER": "datar.api.exceptions.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Datar",
    "DESCRIPTION": (
        "A table description in, a tenant-safe REST API out.\n\n"
        "To try a request here: `POST /api/auth/register/` answers an Api-Key (shown this once) and a token; `make up` "
        "prints the Api-Key, name and password of the demo's tenant, for `POST /api/auth/token/`. Put both under "
        "**Authorize**. A token lives 5 minutes; then `POST /api/auth/token/refresh/`, or `token/` again.\n\n"
        "The examples ask the demo's app `nycflights`. The reference stands beside the code in `docs/reference`: "
        "`authentication.md`, `query.md` (every word of a list), `records.md`, `errors.md`, `limits.md`."
    ),
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},  # else it shows the document to a stranger
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "ApiKey": {
                "type": "apiKey",
                "in": "header",
                "name": "Api-Key",
                "description": "Which tenant: `make up` prints the demo's, `POST /api/auth/register/` answers yours.",
            },
            "Token": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "Who: the `access` of `POST /api/auth/token/`, without the word Bearer. 5 minutes long.",
            },
        }
    },
    "SECURITY": [{"ApiKey": [], "Token": []}],
    "PREPROCESSING_HOOKS": ["datar.api.openapi.without_words"],
    "POSTPROCESSING_HOOKS": ["datar.api.openapi.fit_for_a_form"],
    "SORT_OPERATION_PARAMETERS": False,
}

# --- Logs: one JSON line an event, never a record's value (datar.logs)
LOGGING_CONFIG = "datar.logs.configure"
LOGGING = {"level": env.text("DATAR_LOG_LEVEL", "INFO")}
