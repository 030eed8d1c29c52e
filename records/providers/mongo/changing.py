"""To be written."""


def update(*a):
    raise NotImplementedError
