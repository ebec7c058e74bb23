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


def zone_and_name(serial: int) -> tuple[HeavyZone, str] | None:
    """The zone of this process in which a name stands for the block of this serial, and that name."""
    for reference in list(_zones.values()):
        zone = reference()
        name = zone.name_of(serial) if zone is not None else None
        if zone is not None and name is not None:
            return zone, name
    return None


def name_of(block: Any) -> str | None:
    """The name that stands for a block of this process now."""
    found = zone_and_name(block.serial) if block.owned else None
    return found[1] if found is not None else None
