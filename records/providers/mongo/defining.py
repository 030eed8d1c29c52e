"""To be written."""

Command = dict


def create(*a):
    raise NotImplementedError


def apply(*a):
    raise NotImplementedError
