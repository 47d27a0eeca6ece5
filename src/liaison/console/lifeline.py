"""Tie a child's life to its parent's, so that a killed supervisor leaves nothing behind."""

import ctypes
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def end_with_parent(signal_number: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends this signal to the child when its parent ends, however that ends.

    "Parent" is the thread that started the child, so start children from the main thread. On systems other than
    Linux it does nothing. The library is loaded before the fork, so that the child only makes the call and never
    waits for a lock that another thread held.
    """
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def ask_kernel() -> None:
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, signal_number)

    return ask_kernel
