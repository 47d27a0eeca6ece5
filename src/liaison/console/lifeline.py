"""Tie a child's life to its parent's, so that a killed supervisor leaves nothing behind."""

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """For `preexec_fn`: ask the kernel to send SIGTERM to this process when its parent ends, however it ends.

    On systems other than Linux this does nothing.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
