"""Settings that hold a secret."""

import pytest

from datar import env

pytestmark = pytest.mark.no_database

NAME = "DATAR_MONGODB_URL"


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://localhost",
        "mongodb://user:pass%40word@one:27017,two:27017/?replicaSet=rs0&tls=true",
        "mongodb+srv://user:word@cluster.example.com/data?retryWrites=true",
        "mongodb://user:word@%2Ftmp%2Fmongod.sock/?directConnection=true",
        "mongodb://user:word@[::1]:27017/",
    ],
)
def test_the_address_of_a_mongodb_is_read(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv(NAME, url)
    address = env.mongodb_url(NAME)
    assert address is not None
    assert address.text == url
    assert "word" not in f"{address} {address!r} {[address]}"


@pytest.mark.parametrize("unset", [None, ""])
def test_no_address_is_none(monkeypatch: pytest.MonkeyPatch, unset: str | None) -> None:
    monkeypatch.delenv(NAME, raising=False)
    if unset is not None:
        monkeypatch.setenv(NAME, unset)
    assert env.mongodb_url(NAME) is None


@pytest.mark.parametrize(
    "url",
    [
        "localhost:27017",
        "postgresql://u:secret@h",
        "mongodb://",
        "mongodb://u:sec@ret@h",
        "mongodb://u:secret@",
        "mongodb://u:secret@h h",
    ],
)
def test_a_bad_address_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv(NAME, url)
    with pytest.raises(env.BadSetting, match=NAME) as refusal:
        env.mongodb_url(NAME)
    assert "sec" not in str(refusal.value)
