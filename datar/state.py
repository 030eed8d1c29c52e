"""Where an installation keeps what must survive a restart, and which account may read it.

It knows directories, modes and secrets. It refuses to know what is stored, and it never changes the mode of a
directory that it did not make: where the database's account cannot reach the project, a place of our own is used.
"""

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from datar import env

PROJECT = Path(__file__).resolve().parent.parent


class CannotStart(Exception):
    """The service cannot start; the text is one sentence for the person at the keyboard."""


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account that a process of root's is handed to."""

    uid: int
    gid: int


def state_directory() -> Path:
    """The directory of this installation: ``DATAR_STATE_DIR``, else ``.datar`` beside the code."""
    return Path(env.text("DATAR_STATE_DIR", str(PROJECT / ".datar"))).resolve()


def unprivileged_account() -> Account | None:
    """Whom the embedded databases run as: None (we ourselves) unless we are root, which PostgreSQL refuses.

    Then it is ``DATAR_POSTGRES_USER``, by default ``nobody``, which every Unix has; no account is ever made.
    """
    if os.geteuid() != 0:
        return None
    name = env.text("DATAR_POSTGRES_USER", "nobody")
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise CannotStart(
            f"PostgreSQL does not run as root and there is no account {name!r}: set DATAR_POSTGRES_USER."
        ) from None
    if entry.pw_uid == 0:
        raise CannotStart("DATAR_POSTGRES_USER is root, which PostgreSQL refuses: name another account.")
    return Account(entry.pw_uid, entry.pw_gid)


def own_directory(path: Path, *, mode: int = 0o700, account: Account | None = None) -> Path:
    """Make ``path`` with that mode and owner; one that exists is left exactly as it is."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=mode)
        path.chmod(mode)  # the umask may have taken bits from it
        if account is not None:
            os.chown(path, account.uid, account.gid)
    except FileExistsError:
        if not path.is_dir():
            raise CannotStart(f"{path} is in the way: Datar needs a directory there.") from None
    except OSError as error:
        raise CannotStart(f"Cannot make the directory {path}: {error.strerror}.") from error
    return path


def state_home() -> Path:
    """The state directory, made when absent: closed to others, but passable for PostgreSQL's account under root."""
    return own_directory(state_directory(), mode=0o711 if os.geteuid() == 0 else 0o700)


def reachable(path: Path, account: Account, wanted: int = stat.S_IXOTH) -> bool:
    """Whether ``account`` may pass every directory down to ``path`` and has ``wanted`` ("other" bits) on it.

    It reads modes only; where an access list would grant more, the answer is no and the safe other way is taken.
    """
    try:
        ways = [(directory, stat.S_IXOTH) for directory in path.resolve(strict=True).parents]
        return all(_allows(place.stat(), account, bits) for place, bits in [*ways, (path, wanted)])
    except OSError:
        return False


def _allows(status: os.stat_result, account: Account, bits: int) -> bool:
    shift = 6 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 0
    return status.st_mode & (bits << shift) == bits << shift


def database_home(state: Path, account: Account | None) -> Path:
    """The directory that holds the embedded database: ``state`` itself, unless ``account`` cannot reach it.

    Then it is ``/var/lib/datar-<hash of the state directory>``; the file ``elsewhere`` in ``state`` says so, and
    settles it for good, so that a later change of some parent's mode does not make the data seem lost.
    """
    if account is None:
        return state
    note = state / "elsewhere"
    digest = hashlib.sha256(os.fsencode(state)).hexdigest()[:12]
    other = Path("/var/lib") / f"datar-{digest}"
    settled_here = any(state.glob("postgres-*")) or any(state.glob("mongodb-*"))
    if not note.exists() and (settled_here or reachable(state, account)):
        return state
    own_directory(other, mode=0o711)
    write_private(note, f"{other}\n")
    return other


def short_directory(wanted: Path, account: Account | None) -> Path:
    """A directory for a socket, whose path the kernel keeps to 107 bytes and PostgreSQL splits at commas.

    ``wanted`` itself where that is harmless, else one of the same identity in the temporary directory, which must be
    ours and closed: in a shared directory somebody else may have made it first.
    """
    name = str(wanted)
    if len(os.fsencode(name)) <= 80 and name.isascii() and not set(name) & set(" ,\"'\\"):
        return own_directory(wanted, account=account)
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:12]
    uid = account.uid if account else os.geteuid()
    path = own_directory(Path("/tmp") / f"datar-{digest}", account=account)  # noqa: S108 - checked below
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid or stat.S_IMODE(status.st_mode) != 0o700:
        raise CannotStart(f"{path} belongs to somebody else or is open to others: remove it and start again.")
    return path


def hold(lock: Path, data: Path) -> IO[bytes]:
    """Take ``data`` for this process until the file is closed; the kernel closes it when the process ends anyhow."""
    file = lock.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise CannotStart(f"Datar already runs with the data in {data}: stop it first.") from None
    return file


def require_space(home: Path, least: int) -> None:
    """Raise CannotStart where fewer than ``least`` bytes are free."""
    free = shutil.disk_usage(home).free
    if free < least:
        raise CannotStart(
            f"Not enough disk space in {home}: {free // 2**20} MB are free, "
            f"{least // 2**20} MB are needed. Nothing was changed."
        )


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mkstemp makes it 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).replace(path)


def stored_secret(directory: Path, name: str) -> str:
    """The secret of that name: 43 random characters, made once, kept in ``directory/name`` with mode 0600.

    Two processes that both find it absent agree: the file is linked into place, and the first one wins.
    """
    path = directory / name
    try:
        if not path.exists():
            candidate = directory / f".{name}-{os.getpid()}-{secrets.token_hex(4)}"
            write_private(candidate, secrets.token_urlsafe(32))
            try:
                os.link(candidate, path)
            except FileExistsError:
                pass
            finally:
                candidate.unlink()
        return path.read_text("utf-8")
    except OSError as error:
        raise CannotStart(f"Cannot read or write the secret {path}: {error.strerror}.") from error
