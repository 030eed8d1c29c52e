"""How passwords are hashed: Argon2id as OWASP's password storage cheat sheet sets it.

Django's own parameters take 100 MB and eight threads a hash: eight people logging in at once would fill a small
machine. These take 19 MB and one thread, and cost an attacker as much by that source's judgement.
"""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Argon2id, 19 MiB, two passes, one lane."""

    memory_cost = 19_456
    time_cost = 2
    parallelism = 1
