"""What is answered when an idempotency key stands for something else already."""

from liaison.core.refusals import Conflict


class KeyReused(Conflict):
    """The same key stands for something else already."""

    code = "inbox.key_reused"
    sentence = "This form was used for something else already. Open it again and send it once more."
