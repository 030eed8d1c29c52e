"""To be written."""


def delete(*a):
    raise NotImplementedError
