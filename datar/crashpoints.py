"""Named places where a test kills the process, to see that what was half done is gone. Nothing happens unless asked.

``DATAR_CRASH_POINT=name`` makes the process that reaches that point end at once, as ``kill -9`` would end it. The
names stand beside their calls: ``crash_point("registration_cloned")``.
"""

import os
import signal

from datar import env

_WANTED = env.text("DATAR_CRASH_POINT", "")


def crash_point(name: str) -> None:
    """End the process here, without any clean-up, if ``DATAR_CRASH_POINT`` says so."""
    if name == _WANTED:
        os.kill(os.getpid(), signal.SIGKILL)
