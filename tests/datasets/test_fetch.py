import hashlib
import logging

import pytest
from sklearn.datasets import get_data_home

from sklearn_metalabel.datasets._fetch import data_folder, fetch, verify

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def path(tmp_path):
    """Where the file shall be, in a folder that is not there."""
    return tmp_path / "folder" / "file.bin"


@pytest.fixture
def url(server):
    """Address of a file on a server."""
    server.files["/file.bin"] = CONTENT
    return f"{server.url}/file.bin"


def part_of(path, content):
    """Leave a part file, as a broken download does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name("file.bin.part")
    part.write_bytes(content)
    return part


def names_beside(path):
    """Names in the folder of the file."""
    return {each.name for each in path.parent.iterdir()}


def test_a_file_is_downloaded_and_moved_into_place(url, path, server, caplog):
    with caplog.at_level(logging.INFO, logger="sklearn_metalabel"):
        assert fetch(url, path, checksum=SHA256) == path

    assert path.read_bytes() == CONTENT
    assert names_beside(path) == {"file.bin"}
    assert server.requests == [("/file.bin", None)]
    assert f"Downloading {url}" in caplog.text


def test_a_file_already_there_is_not_fetched_again(url, path, server):
    fetch(url, path)
    fetch(url, path, download_if_missing=False)

    assert len(server.requests) == 1


def test_a_part_file_is_resumed_where_it_ends(url, path, server):
    part_of(path, CONTENT[:1000])

    assert fetch(url, path, checksum=SHA256).read_bytes() == CONTENT
    assert server.requests == [("/file.bin", "bytes=1000-")]
    assert names_beside(path) == {"file.bin"}


def test_a_server_that_ignores_ranges_makes_it_start_over(url, path, server):
    server.ranges = False
    part_of(path, b"x" * 1000)

    assert fetch(url, path).read_bytes() == CONTENT
    assert server.requests == [("/file.bin", "bytes=1000-")]


@pytest.mark.parametrize("surplus", [b"", b"xyz"])
def test_a_refused_range_makes_it_start_over(url, path, server, surplus):
    part_of(path, CONTENT + surplus)

    assert fetch(url, path, n_retries=0).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [f"bytes={len(CONTENT + surplus)}-", None]


def test_a_cut_connection_is_retried_and_resumed(url, path, server, no_waiting):
    server.n_cuts = 2

    assert fetch(url, path, checksum=SHA256, delay=2.5).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, "bytes=128000-", "bytes=192000-"]
    assert no_waiting == [2.5, 2.5]


def test_a_cut_connection_without_retries_leaves_the_part_for_the_next_call(url, path, server):
    server.n_cuts = 1
    with pytest.raises(OSError, match=r"the connection ended after 128000 of 256000 bytes"):
        fetch(url, path, n_retries=0)

    assert names_beside(path) == {"file.bin.part"}
    assert fetch(url, path).read_bytes() == CONTENT
    assert server.requests[-1] == ("/file.bin", "bytes=128000-")


def test_another_checksum_deletes_the_download(url, path):
    wanted = "0" * 64
    with pytest.raises(OSError, match=rf"file.bin was wanted from {url} with the SHA-256 {wanted}, got {SHA256}"):
        fetch(url, path, checksum=wanted)

    assert names_beside(path) == set()


def test_without_a_checksum_the_first_download_counts(url, path):
    fetch(url, path)
    assert path.with_name("file.bin.sha256").read_text() == f"{SHA256}  file.bin\n"

    path.write_bytes(b"changed")
    with pytest.raises(OSError, match=rf"file.bin was wanted with the SHA-256 {SHA256}, got .*: delete it"):
        fetch(url, path)
    assert path.read_bytes() == b"changed"


def test_a_second_download_must_be_the_same_as_the_first(url, path, server):
    fetch(url, path).unlink()
    server.files["/file.bin"] = b"changed"

    with pytest.raises(OSError, match=r"and delete file.bin.sha256 in .*folder, if it is there"):
        fetch(url, path)
    path.with_name("file.bin.sha256").unlink()
    assert fetch(url, path).read_bytes() == b"changed"


def test_a_file_put_there_by_hand_is_taken_as_it_is_unless_a_checksum_is_given(path):
    path.parent.mkdir()
    path.write_bytes(b"by hand")

    assert verify(path) == fetch("http://unused.invalid", path) == path
    assert names_beside(path) == {"file.bin"}
    with pytest.raises(OSError, match=rf"was wanted with the SHA-256 {SHA256}"):
        verify(path, SHA256)


def test_without_a_network_the_message_says_what_to_do(closed_url, path, no_waiting):
    url = f"{closed_url}/file.bin"
    with pytest.raises(
        OSError, match=rf"file.bin could not be downloaded from {url} \(.*refused.*\): put it into"
    ) as info:
        fetch(url, path, n_retries=2)

    assert str(path.parent) in str(info.value)
    assert "download_if_missing=False" in str(info.value)
    assert len(no_waiting) == 2


def test_a_file_that_the_server_does_not_have_is_named(server, path, no_waiting):
    with pytest.raises(OSError, match=r"could not be downloaded from .*/file.bin \(HTTP Error 404: Not Found\)"):
        fetch(f"{server.url}/file.bin", path)
    assert len(server.requests) == 4


def test_nothing_is_downloaded_or_created_if_that_is_not_wanted(url, path, server):
    with pytest.raises(OSError, match=rf"file.bin of {url} is not in .*folder: put it .* download_if_missing=True"):
        fetch(url, path, download_if_missing=False)

    assert server.requests == []
    assert not path.parent.exists()


def test_data_are_kept_in_a_subfolder_of_scikit_learns_data_home(tmp_path, monkeypatch):
    assert data_folder(tmp_path, "set") == tmp_path / "sklearn_metalabel" / "set"

    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "home"))
    assert str(data_folder(None, "set")).startswith(get_data_home())
