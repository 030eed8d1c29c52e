"""To be written."""


def upsert(*a):
    raise NotImplementedError
