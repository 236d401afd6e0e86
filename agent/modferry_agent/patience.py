"""How long a sender waits for an acknowledgement before it sends again."""

_FIRST_S = 0.5
_SHORTEST_S = 0.12
_LONGEST_S = 2.0


class Patience(object):
    """Learns from round trips, by Jacobson's estimate.

    timeout_s: how long to wait now
    """

    def __init__(self):
        # type: () -> None
        """Begin with a guess."""
        self.timeout_s = _FIRST_S
        self._smoothed_s = None  # type: float | None
        self._spread_s = 0.0

    def learn(self, sample_s):
        # type: (float) -> None
        """Take the round trip of a frame that was sent once."""
        if self._smoothed_s is None:
            self._smoothed_s, self._spread_s = sample_s, sample_s / 2
        else:
            error = sample_s - self._smoothed_s
            self._smoothed_s += error / 8
            self._spread_s += (abs(error) - self._spread_s) / 4
        self.renew()

    def lengthen(self):
        # type: () -> None
        """Wait longer: nothing came in time."""
        self.timeout_s = min(self.timeout_s * 1.5, _LONGEST_S)

    def renew(self):
        # type: () -> None
        """Wait as long as round trips take: the line lives."""
        if self._smoothed_s is not None:
            wanted = self._smoothed_s + 4 * self._spread_s
            self.timeout_s = min(max(wanted, _SHORTEST_S), _LONGEST_S)
