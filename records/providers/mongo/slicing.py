"""To be written."""


def read_slice(*a):
    raise NotImplementedError
