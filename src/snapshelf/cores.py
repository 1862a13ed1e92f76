"""How many cores this process may use."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path


def allowed_cores() -> int:
    """Those that the operating system lets this process run on, or fewer where its group's share of time is smaller.

    Containers have such a share (`docker run --cpus 2`, Kubernetes' `limits.cpu`) on machines that show all cores;
    a thread for each of those would be stopped for most of every tenth of a second.
    """
    shares = [math.ceil(quota) for quota in _quotas(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))]
    return max(1, min([_cores(), *shares]))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(membership: Path, root: Path) -> Iterator[float]:
    """The cores' worth of time that each group which this process is in may take; nothing where there is no limit.

    https://docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max), and sched-bwc for version 1.
    """
    with contextlib.suppress(OSError):
        for line in membership.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                yield from _over(root, path, _version_2)
            elif "cpu" in controllers.split(","):
                yield from _over(root / controllers, path, _version_1)
                yield from _over(root / "cpu", path, _version_1)


def _over(top: Path, path: str, quota_of: Callable[[Path], float | None]) -> Iterator[float]:
    """What a group and those above it allow. In a container the path may be that of the machine, which is not seen."""
    folder = top / path.lstrip("/")
    for group in [folder, *folder.parents]:
        if not group.is_relative_to(top):
            break
        with contextlib.suppress(OSError, ValueError):
            if (quota := quota_of(group)) is not None:
                yield quota


def _version_2(group: Path) -> float | None:
    quota, period = (group / "cpu.max").read_text().split()
    return None if quota == "max" else int(quota) / int(period)


def _version_1(group: Path) -> float | None:
    quota = int((group / "cpu.cfs_quota_us").read_text())
    return None if quota <= 0 else quota / int((group / "cpu.cfs_period_us").read_text())
