"""To be written."""


def read_groups(*a):
    raise NotImplementedError
