"""`snapshelf train` by the machines of a Ray cluster, which train one network together.

    python deploy/ray_train.py --machines 2 --processes 4 --store /shared/shop --recipe best

Ray finds the machines and starts `torchrun` on each; what the processes do together is snapshelf's own. `--processes`
is how many run on each machine, one a GPU with `--gpus`; all other options go to `snapshelf train`. The store lies
where every machine sees it under the same path. When a process dies, all end; the same command goes on after
the last whole epoch.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
import ray


@ray.remote
class Machine:
    """A place in the cluster that is kept for one `torchrun`."""

    def address(self) -> tuple[str, int]:
        """Where the processes may meet, if this is the first machine."""
        with socket.socket() as free:
            free.bind(("", 0))
            return ray.util.get_node_ip_address(), int(free.getsockname()[1])

    def train(self, command: list[str]) -> int:
        """Run it to its end; returns its exit code."""
        return subprocess.run(command, check=False).returncode  # noqa: S603 (the operator's own)


def main() -> None:
    """Keep the machines, start all, and end as the worst of them did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, required=True)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--gpus", action="store_true")
    parser.add_argument("--address", default="auto", help="the cluster's; `local` starts a Ray on this machine alone")
    chosen, options = parser.parse_known_args()
    ray.init(chosen.address, include_dashboard=False if chosen.address == "local" else None)
    needs = {"num_gpus" if chosen.gpus else "num_cpus": chosen.processes}
    machines = [Machine.options(scheduling_strategy="SPREAD", **needs).remote() for _ in range(chosen.machines)]
    host, port = ray.get(machines[0].address.remote())
    torchrun = [sys.executable, "-m", "torch.distributed.run"]
    meet = ["--master-addr", host, "--master-port", str(port), "--nnodes", str(chosen.machines)]
    each = ["--nproc-per-node", str(chosen.processes), "-m", "snapshelf", "train", *options]
    running = [
        machine.train.remote([*torchrun, *meet, "--node-rank", str(rank), *each])
        for rank, machine in enumerate(machines)
    ]
    sys.exit(max(abs(code) for code in ray.get(running)))


if __name__ == "__main__":
    main()
