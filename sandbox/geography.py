"""Real airports, their time zones and the distances between them."""

import dataclasses
import functools
import math
import zoneinfo

import airportsdata

EARTH_RADIUS_KM = 6371.0


class UnknownPlace(LookupError):
    """No airport and no metropolitan area has this IATA code."""


@dataclasses.dataclass(frozen=True)
class Place:
    """An airport, or a city seen from its first airport. Latitude and longitude are in degrees."""

    code: str
    name: str
    city: str
    zone: str
    latitude: float
    longitude: float


@functools.cache
def _airports() -> dict[str, airportsdata.Airport]:
    return airportsdata.load("IATA")


@functools.cache
def _cities() -> dict[str, airportsdata.IATAMAC]:
    return airportsdata.load_iata_macs()


@functools.cache
def _zones() -> set[str]:
    return zoneinfo.available_timezones()


def find(code: str) -> Place:
    """Find a place by the IATA code of an airport (JFK) or of a metropolitan area (NYC).

    Raises:
        UnknownPlace: there is none, or its time zone is not known.
    """
    airport = _airports().get(code)
    city = None if airport else _cities().get(code)
    if city:
        airport = next(iter(city["airports"].values()))
    if airport is None or airport["tz"] not in _zones():
        raise UnknownPlace(code)
    return Place(
        code=code,
        name=city["name"] if city else airport["name"],
        city=city["name"] if city else airport["city"],
        zone=airport["tz"],
        latitude=airport["lat"],
        longitude=airport["lon"],
    )


def distance_km(origin: Place, destination: Place) -> float:
    """Measure the great circle between two places (haversine formula)."""
    lat1, lat2 = math.radians(origin.latitude), math.radians(destination.latitude)
    dlat, dlon = lat2 - lat1, math.radians(destination.longitude - origin.longitude)
    a = math.sin(dlat / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(dlon / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(a))


def flight_minutes(origin: Place, destination: Place) -> int:
    """Estimate a non-stop flight: half an hour on the ground, 850 km/h in the air, in steps of five minutes."""
    minutes = 30 + distance_km(origin, destination) / 850 * 60
    return 5 * math.ceil(minutes / 5)
