from __future__ import annotations

from pathlib import Path

import pytest

from snapshelf import cores
from snapshelf.cores import allowed_cores


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    return tmp_path / "proc-self-cgroup"


@pytest.fixture
def groups(tmp_path: Path, proc: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 16 cores, whose groups are described here."""
    found = tmp_path / "cgroup"
    real = cores._quotas
    monkeypatch.setattr(cores, "_quotas", lambda *_: real(proc, found))
    monkeypatch.setattr(cores, "_cores", lambda: 16)
    return found


def test_without_groups_all_that_the_process_may_run_on(groups: Path) -> None:
    assert allowed_cores() == 16


def test_a_container_has_its_share(proc: Path, groups: Path) -> None:
    write(proc, "0::/\n")
    write(groups / "cpu.max", "150000 100000\n")
    assert allowed_cores() == 2


def test_the_smallest_share_on_the_way_up_counts(proc: Path, groups: Path) -> None:
    write(proc, "0::/kubepods/pod7/box\n")
    write(groups / "cpu.max", "max 100000\n")
    write(groups / "kubepods/pod7/cpu.max", "300000 100000\n")
    write(groups / "kubepods/pod7/box/cpu.max", "800000 100000\n")
    assert allowed_cores() == 3


def test_the_first_version_of_groups(proc: Path, groups: Path) -> None:
    write(proc, "5:memory:/x\n4:cpu,cpuacct:/docker/abc\n0::/\n")
    write(groups / "cpu,cpuacct/cpu.cfs_quota_us", "400000\n")  # a container sees its own group at the top
    write(groups / "cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    assert allowed_cores() == 4


@pytest.mark.parametrize(("quota", "expected"), [("-1\n", 16), ("50000\n", 1), ("nonsense\n", 16), ("", 16)], ids=repr)
def test_no_limit_less_than_a_core_and_what_is_no_number(proc: Path, groups: Path, quota: str, expected: int) -> None:
    write(proc, "4:cpu:/\n")
    write(groups / "cpu/cpu.cfs_quota_us", quota)
    write(groups / "cpu/cpu.cfs_period_us", "100000\n")
    assert allowed_cores() == expected
