"""How a patient may be reached, for packages above: the one rule of it, and the values that it takes and gives."""

from liaison.patients.rules.reaching import Channel, Line, Way, keeps_to_confidential, ways_to_reach

__all__ = ["Channel", "Line", "Way", "keeps_to_confidential", "ways_to_reach"]
