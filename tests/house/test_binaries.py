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
    with pytest.raises(CannotStart, match=r"no embedded MongoDB here \(.*x86-64.*set DATAR_MONGODB_URL"):
        find_mongod(tmp_path, None, "datar-no-such-package")


def test_a_program_without_its_run_bit_is_copied_and_the_package_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, home = tmp_path / "site", tmp_path / "home"
    (site / "carrier-1.0.dist-info").mkdir(parents=True)
    (site / "carrier-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n")
    (site / "carrier-1.0.dist-info" / "RECORD").write_text("carrier/mongod,,\n")
    (site / "carrier").mkdir()
    carried = program(site / "carrier", "#!/bin/sh\nexit 0\n")
    monkeypatch.syspath_prepend(str(site))
    assert find_mongod(home, None, "carrier") == carried
    carried.chmod(0o644)
    for _ in range(2):
        found = find_mongod(home, None, "carrier")
        assert found.is_relative_to(home)
        assert found.stat().st_mode & 0o777 == 0o755
    assert carried.stat().st_mode & 0o777 == 0o644


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
