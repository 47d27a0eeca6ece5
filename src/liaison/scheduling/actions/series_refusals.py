"""What the actions on series refuse."""

from liaison.core.refusals import Conflict, Refusal


class SeriesTaken(Conflict):
    """Some of the times can't be had any more. `fields` names each by "pick-" and its position."""

    code = "scheduling.series_taken"
    sentence = "Some of these times can't be had any more. Nothing was booked: choose others where it says so."


class SeriesPicksMissing(Refusal):
    """Each visit wants a decision."""

    code = "scheduling.series_picks_missing"
    sentence = "Some visits have no time yet. Choose one for each, leave it open or leave it out."


class SeriesChanged(Conflict):
    """The days are not those that were looked at."""

    code = "scheduling.series_changed"
    sentence = "The days of this series changed since you looked, perhaps a holiday. Look at the new list."


class SeriesWrong(Refusal):
    """A rule that can't be."""

    code = "scheduling.series_wrong"
    sentence = "This series can't be. Mend it and try again."


class SeriesOver(Refusal):
    """Nothing of it lies ahead."""

    code = "scheduling.series_over"
    sentence = "No visit of this series lies ahead any more. There is nothing to change."
    status = 409
