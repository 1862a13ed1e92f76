"""A folder that one process at a time may have open."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def hold(path: Path) -> IO[bytes]:
    """Lock a file, making it where it is not there; closing it, or the end of the process, gives it free.

    Raises:
        BlockingIOError: it is locked already, by this process or another one.
        OSError: it cannot be made or locked there.
    """
    file = path.open("ab")
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except PermissionError as error:  # what Windows calls a lock that is held
        file.close()
        raise BlockingIOError(f"{path} is locked") from error
    except OSError:
        file.close()
        raise
    return file
