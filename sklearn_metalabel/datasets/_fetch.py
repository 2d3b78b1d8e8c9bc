"""Files from the internet: downloaded once, resumed after an interruption, and verified at every load."""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import shutil
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from sklearn.datasets import get_data_home

__all__ = ["data_folder", "fetch", "verify"]

_logger = logging.getLogger(__name__)


def data_folder(data_home: str | os.PathLike[str] | None, name: str) -> Path:
    """Folder of the data set `name` within scikit-learn's data home."""
    return Path(get_data_home(data_home)) / "sklearn_metalabel" / name


def fetch(
    url: str,
    path: Path,
    *,
    checksum: str | None = None,
    download_if_missing: bool = True,
    n_retries: int = 3,
    delay: float = 1.0,
    timeout: float = 30,
) -> Path:
    """Return `path`, downloaded from `url` if it is not there; see `verify` for what is checked.

    A download is kept in `<path>.part` until it is complete, and resumed from there.
    """
    if path.exists():
        return verify(path, checksum)
    if not download_if_missing:
        raise OSError(
            f"{path.name} of {url} is not in {path.parent}: put it into this folder by hand, or set "
            "download_if_missing=True to download it."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _beside(path, ".part")
    _logger.info("Downloading %s", url)
    try:
        _download(url, part, n_retries, delay, timeout)
    except (OSError, http.client.HTTPException) as error:
        raise OSError(
            f"{path.name} could not be downloaded from {url} ({error}): put it into {path.parent} by hand, where "
            "it is also found with download_if_missing=False, or try again later."
        ) from error
    return _accept(part, path, url, checksum)


def verify(path: Path, checksum: str | None = None) -> Path:
    """Return `path` if its SHA-256 is `checksum`, or else the one that was recorded when it was downloaded.

    A file without either, put there by hand, is not checked.
    """
    wanted = checksum or _recorded(path)
    if wanted and (got := _sha256(path)) != wanted:
        raise OSError(
            f"{path} was wanted with the SHA-256 {wanted}, got {got}: delete it and {path.name}.sha256 to download it "
            "again, or pass its own checksum."
        )
    return path


def _accept(part, path, url, checksum):
    """Move a complete download into place, and record its SHA-256 if no other is known."""
    wanted, got = checksum or _recorded(path), _sha256(part)
    if wanted and got != wanted:
        part.unlink()
        raise OSError(
            f"{path.name} was wanted from {url} with the SHA-256 {wanted}, got {got}, and was deleted: try again, or "
            f"pass the checksum of the file you want (and delete {path.name}.sha256 in {path.parent}, if it is there)."
        )
    part.replace(path)
    if not wanted:
        _beside(path, ".sha256").write_text(f"{got}  {path.name}\n", encoding="utf-8")
    return path


def _download(url, part, n_retries, delay, timeout):
    """Complete the part file, in `1 + n_retries` attempts at most."""
    for attempt in range(n_retries + 1):
        try:
            return _continue(url, part, timeout)
        except (OSError, http.client.HTTPException):
            if attempt == n_retries:
                raise
            time.sleep(delay)


def _continue(url, part, timeout):
    """Append the missing bytes to the part file; start over if the server sends everything or refuses the range."""
    done = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        response = urlopen(request, timeout=timeout)
    except HTTPError as error:
        error.close()
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE or not done:
            raise
        part.unlink()
        return _continue(url, part, timeout)
    with response:
        if response.status != http.client.PARTIAL_CONTENT:
            done = 0
        with part.open("ab" if done else "wb") as file:
            shutil.copyfileobj(response, file)
        got, length = part.stat().st_size - done, response.headers["Content-Length"]
    # Reading in blocks ends without an error where the connection is cut.
    if length is not None and got < int(length):
        raise ConnectionError(f"the connection ended after {got} of {length} bytes")


def _recorded(path):
    """SHA-256 kept beside the file, None if there is none."""
    record = _beside(path, ".sha256")
    return record.read_text(encoding="utf-8").partition(" ")[0] if record.exists() else None


def _beside(path, suffix):
    """Path of a companion of the file."""
    return path.with_name(path.name + suffix)


def _sha256(path):
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
