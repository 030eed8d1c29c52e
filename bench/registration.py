"""How long a registration takes with 10, 100 and 300 tenants there: ``python -m bench.registration``.

It starts a durable cluster of its own, puts the demo's January into ``public`` as a first start does (27,000 flights
that every registration clones), and removes it all again. The bounds: at most a second at 100, and at 300 no slower
than 1.5 times the time at 10.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from datar.embedded import Cluster

SIZES = (10, 100, 300)
SAMPLES = 7
SECONDS_AT_100 = 1.0
RATIO_AT_300 = 1.5


def main() -> int:
    """Fill a database with tenants and print a table of medians; 0 when both bounds hold."""
    state = Path(tempfile.mkdtemp(prefix="datar-bench-"))
    state.chmod(0o711)  # PostgreSQL runs as another account when we are root
    cluster = Cluster(state)
    try:
        cluster.start()
        os.environ["DATABASE_URL"] = cluster.url()
        os.environ.setdefault("DATAR_SECRET_KEY", "only-for-benchmarks-" + "x" * 32)
        os.environ["DJANGO_SETTINGS_MODULE"] = "datar.settings"
        import django  # noqa: PLC0415 - the environment above comes first

        django.setup()
        prepare()
        return measure()
    finally:
        cluster.remove()
        shutil.rmtree(state, ignore_errors=True)


def prepare() -> None:
    """Migrate, and load what a first start loads into ``public``."""
    from datar.upgrade import upgrade  # noqa: PLC0415 - needs Django
    from datatables.demo.setup import load_public  # noqa: PLC0415

    upgrade(lambda *_: None)
    load_public(lambda *_: None)


def measure() -> int:
    """Print the median time of SAMPLES registrations at each size; password hashing included."""
    from tenants.registration import register  # noqa: PLC0415 - needs Django

    made = 0
    medians: dict[int, float] = {}
    print(f"{'tenants':>8} {'median':>9} {'slowest':>9} {'ratio':>6}")
    for size in SIZES:
        times = []
        while made < size + SAMPLES:
            began = time.perf_counter()
            register(email=f"bench{made}@example.com", password="correct horse battery staple 7", name="bench")
            times.append(time.perf_counter() - began)
            made += 1
        taken = times[-SAMPLES:]
        medians[size] = statistics.median(taken)
        ratio = medians[size] / medians[SIZES[0]]
        print(f"{size:>8} {medians[size] * 1000:>6.0f} ms {max(taken) * 1000:>6.0f} ms {ratio:>6.2f}", flush=True)
    return 0 if medians[100] <= SECONDS_AT_100 and medians[300] <= RATIO_AT_300 * medians[10] else 1


if __name__ == "__main__":
    sys.exit(main())
