"""Which zones there are, to find the name of a block: arrays do not carry it, for names come and go."""

from __future__ import annotations

import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .zone import HeavyZone

# A plain dict, because listing its values is one step, whichever threads add to it.
_zones: dict[int, weakref.ref[HeavyZone]] = {}


def add_zone(zone: HeavyZone) -> None:
    """Notes a zone for as long as it lives."""
    key = id(zone)
    _zones[key] = weakref.ref(zone, lambda _gone: _zones.pop(key, None))


def zones() -> list[HeavyZone]:
    """The zones of this process."""
    found = (reference() for reference in list(_zones.values()))
    return [zone for zone in found if zone is not None]


def name_of(block: Any) -> str | None:
    """The name that stands for a block of this process now."""
    if not block.owned:
        return None
    names = (zone.name_of(block.serial) for zone in zones())
    return next((name for name in names if name is not None), None)
