"""CRM's consumer beside FastStream's, round by round, and both at half of what they can do."""

import statistics
from typing import Any, Final

from tests.bench import against, bus, latency

HALF: Final = 0.5


def figures(*, rounds: int, count: int) -> dict[str, Any]:
    """Return events per second of relay and consumer in each round beside the peer's, and latencies.

    `count` is the number of trips in a backlog; each publishes seven events.
    """
    bus.caught_up()
    found: dict[str, Any] = {"relayed": [], "applied": [], "peer": []}
    for _ in range(rounds):
        relayed, applied = bus.backlog(count)
        found["relayed"].append(relayed)
        found["applied"].append(applied)
        found["peer"].append(against.per_second(events=7 * count))
    theirs = HALF * statistics.median(found["peer"])
    sustained = statistics.median(latency.sustained(count=2 * count) for _ in range(rounds))
    return {
        **found,
        **bus.cost_of_publishing(count),
        "sustained": sustained,
        "half": vars(latency.at(HALF * sustained)),
        "peer_half": {"per_second": theirs, "milliseconds": against.latencies(per_second=theirs)},
        "at_peer_half": vars(latency.at(theirs)),
    }
