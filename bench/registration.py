"""How long a registration takes with 10, 100 and 300 tenants there: ``python -m bench.registration``.

It starts a cluster of its own and removes it. The issue's bounds: at most a second at 100, and at 300 no slower than
1.5 times the time at 10.
"""

import os
import statistics
import time

from tests.cluster import Databases

SIZES = (10, 100, 300)
SAMPLES = 7


def main() -> None:
    """Fill a database with tenants and print a table of medians."""
    databases = Databases()
    try:
        databases.start()
        os.environ["DATABASE_URL"] = databases.make_migrated()
        os.environ.setdefault("DATAR_SECRET_KEY", "only-for-benchmarks-" + "x" * 32)
        os.environ["DJANGO_SETTINGS_MODULE"] = "datar.settings"
        import django  # noqa: PLC0415 - the environment above comes first

        django.setup()
        measure()
    finally:
        databases.stop()


def measure() -> None:
    """Print the median time of SAMPLES registrations at each size; password hashing included."""
    from tests.cast import new_tenant  # noqa: PLC0415 - needs Django

    made, first = 0, 0.0
    print(f"{'tenants':>8} {'median':>9} {'slowest':>9} {'ratio':>6}")
    for size in SIZES:
        while made < size:
            new_tenant("bench")
            made += 1
        times = []
        for _ in range(SAMPLES):
            began = time.perf_counter()
            new_tenant("bench")
            times.append(time.perf_counter() - began)
        made += SAMPLES
        median = statistics.median(times)
        first = first or median
        print(f"{size:>8} {median * 1000:>6.0f} ms {max(times) * 1000:>6.0f} ms {median / first:>6.2f}")


if __name__ == "__main__":
    main()
