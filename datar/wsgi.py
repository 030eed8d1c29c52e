"""The WSGI application."""

import os

import django
from django.core.signals import request_started
from django.db import close_old_connections, reset_queries

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "datar.settings")
django.setup(set_prefix=False)

from datar.api.requests import Application  # noqa: E402 - it reads the settings

application = Application()

# Records do not use Django's connection, and ``request_finished`` looks after it already: once a request is enough.
request_started.disconnect(reset_queries)
request_started.disconnect(close_old_connections)
