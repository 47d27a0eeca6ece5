"""What is answered when an idempotency key stands for something else already."""

from liaison.core.keys import hold_key
from liaison.core.refusals import Conflict

__all__ = ["KeyReused", "hold_key"]


class KeyReused(Conflict):
    """The same key stands for something else already."""

    code = "inbox.key_reused"
    sentence = "This form was used for something else already. Open it again and send it once more."
