"""Django's command line for Datar."""

import os
import sys

from django.core.management import execute_from_command_line

from datar.installation import adopt

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "datar.settings")
    adopt()
    execute_from_command_line(sys.argv)
