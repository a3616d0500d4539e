"""What goes into a build of the image from the machine that builds it; tests/image builds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import build_image


@pytest.fixture(autouse=True)
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pip that this machine has told nothing."""
    for name in ("CERT", "INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX", "PROXY", "DEFAULT_TIMEOUT"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    # pip's word for: no file at all.
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


def told(folder: Path) -> tuple[list[str], dict[str, Path], list[str]]:
    secrets, folders = build_image.pip_access(folder)
    return secrets.pop("pip.conf").read_text().splitlines(), secrets, folders


def test_a_machine_that_was_told_nothing_tells_nothing(tmp_path: Path) -> None:
    assert told(tmp_path) == (["[global]"], {}, [])


def test_an_index_and_an_authority_of_ones_own_go_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    monkeypatch.setenv("PIP_CERT", "/somewhere/ca.pem")
    lines, secrets, folders = told(tmp_path)
    assert lines == ["[global]", "index-url = https://index.example/simple", "cert = /run/secrets/ca.crt"]
    assert secrets == {"ca.crt": Path("/somewhere/ca.pem")}
    assert folders == []


def test_a_variable_goes_before_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "told.conf").write_text("[global]\nproxy = http://of.a.file:3128\ntimeout = 60\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "told.conf"))
    monkeypatch.setenv("PIP_PROXY", "http://of.a.variable:3128")
    # Among what other files of this machine say.
    assert {"proxy = http://of.a.variable:3128", "timeout = 60"} <= set(told(tmp_path)[0])


def test_a_folder_beside_an_index_stays_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"file://{tmp_path} https://more.example/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert told(tmp_path) == (["[global]", "extra-index-url = https://more.example/simple"], {}, [])


def test_a_folder_in_the_place_of_an_index_is_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert told(tmp_path) == (["[global]", f"find-links = {tmp_path}", "no-index = 1"], {}, [str(tmp_path)])


def test_a_missing_tool_is_named_with_what_brings_it() -> None:
    assert build_image.obstacle("buildah-of-nobody") == "buildah-of-nobody missing: apt-get install buildah-of-nobody"
