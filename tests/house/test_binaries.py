"""What is said on a machine where an embedded server is missing or cannot run."""

from pathlib import Path

import pytest

from datar.binaries import find_mongod, require_running
from datar.state import CannotStart

pytestmark = pytest.mark.no_database


def program(place: Path, script: str) -> Path:
    path = place / "mongod"
    path.write_text(script)
    path.chmod(0o755)
    return path


def test_a_platform_without_the_package_is_told_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"no embedded MongoDB for this platform.*set DATAR_MONGODB_URL"):
        find_mongod(tmp_path, None, "datar-no-such-package")


def test_a_missing_library_is_named(tmp_path: Path) -> None:
    said = "mongod: error while loading shared libraries: libcrypto.so.3: cannot open shared object file"
    with pytest.raises(CannotStart, match=r"libcrypto\.so\.3.*OpenSSL 3.*DATAR_MONGODB_URL"):
        require_running(program(tmp_path, f"#!/bin/sh\necho '{said}' >&2\nexit 127\n"))


def test_a_processor_without_avx_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"code -4.*AVX"):
        require_running(program(tmp_path, "#!/bin/sh\nkill -ILL $$\n"))


def test_a_file_of_another_machine_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mongod"
    path.write_bytes(b"\x7fELF of something else")
    path.chmod(0o755)
    with pytest.raises(CannotStart, match="cannot run on this machine"):
        require_running(path)
