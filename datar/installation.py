"""What an installation without settings of its own gets: the embedded databases and a signing secret of its own.

It fills gaps in the environment before Django reads it, and overrides nothing. Only ``manage.py`` calls it: a
service that is started in another way is told everything by its environment.
"""

import os
from contextlib import suppress

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from datar.binaries import carried_mongod
from datar.embedded import Cluster
from datar.embedded_mongo import ReplicaSet
from datar.state import CannotStart, own_directory, state_home, stored_secret
from datar.wanted import VARIABLE


def adopt() -> None:
    """Set ``DATABASE_URL`` (with ``DATAR_EMBEDDED``, for ``up``) and ``DATAR_SECRET_KEY`` where they are not set.

    Ends the process with one sentence where that cannot be done. ``DATAR_MONGODB_URL`` is set where it is not and the
    embedded MongoDB is installed; nothing is started, and where it cannot be had nothing is said: few will ask for it.
    """
    try:
        url = os.environ.get("DATABASE_URL")
        if url:
            _check_form(url)
        else:
            os.environ["DATABASE_URL"] = Cluster().url()
            os.environ["DATAR_EMBEDDED"] = "1"
        if not os.environ.get("DATAR_SECRET_KEY"):
            os.environ["DATAR_SECRET_KEY"] = stored_secret(own_directory(state_home() / "secrets"), "signing-key")
        if not os.environ.get("DATAR_MONGODB_URL") and carried_mongod() is not None:
            _adopt_mongodb()
    except CannotStart as error:
        raise SystemExit(str(error)) from None


def _adopt_mongodb() -> None:
    with suppress(CannotStart, OSError):
        server = ReplicaSet()
        os.environ["DATAR_MONGODB_URL"] = server.url()
        os.environ[VARIABLE] = str(server.wanted.path)


def _check_form(url: str) -> None:
    if not url.startswith(("postgresql://", "postgres://")):
        raise CannotStart("DATABASE_URL must begin with postgresql:// (postgresql://user:password@host:5432/database).")
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        # The driver's own words may quote the password.
        raise CannotStart(
            "DATABASE_URL cannot be read: it is postgresql://user:password@host:5432/database, with the characters"
            " @ : / ? # % [ ] of user and password percent-encoded, and no unknown parameters behind a '?'."
        ) from None
