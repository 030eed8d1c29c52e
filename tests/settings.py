"""The service's settings for a tool that only reads them, as the type checker does: any secret will do."""

import os

os.environ.setdefault("DATAR_SECRET_KEY", "only-for-tools-" + "x" * 32)

from datar.settings import *  # noqa: F403 - the environment comes first
