"""For packages above: how a patient may be reached (the one rule of it, with its values), and what a proxy may do."""

from liaison.patients.rules.proxies import Scope
from liaison.patients.rules.reaching import Channel, Line, Way, keeps_to_confidential, ways_to_reach

__all__ = ["Channel", "Line", "Scope", "Way", "keeps_to_confidential", "ways_to_reach"]
