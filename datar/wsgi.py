"""The WSGI application."""

import os

from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "datar.settings")
application = get_wsgi_application()

# Records do not use Django's connection, and ``request_finished`` looks after it already: once a request is enough.
request_started.disconnect(reset_queries)
request_started.disconnect(close_old_connections)
