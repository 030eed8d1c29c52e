"""What a GeoJSON value (RFC 7946) must look like. Knows values only."""

from typing import Final

from records.canonical import RefusedError, json_value
from records.table import Json

_DEPTHS: Final = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""How many arrays lie around the positions of a geometry."""
GEOJSON_TYPES: Final = (*_DEPTHS, "GeometryCollection", "Feature", "FeatureCollection")
_POSITION_NUMBERS: Final = (2, 4)
_LINE_POSITIONS: Final = 2
_RING_POSITIONS: Final = 4


def geojson(value: Json) -> Json:
    """The value itself when it is GeoJSON that can be stored; extra members are kept."""
    json_value(value)
    _object(value)
    return value


def _object(value: Json) -> None:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "FeatureCollection":
        for feature in _array(value, "features", "a FeatureCollection"):
            _feature(feature)
    elif kind == "Feature":
        _feature(value)
    else:
        _geometry(value)


def _feature(value: Json) -> None:
    if not isinstance(value, dict) or value.get("type") != "Feature":
        raise _refused("every member of features must be a Feature")
    if "geometry" not in value or "properties" not in value:
        raise _refused("a Feature needs geometry and properties (null is allowed)")
    if value["geometry"] is not None:
        _geometry(value["geometry"])
    if not isinstance(value["properties"], dict | None):
        raise _refused("properties must be an object or null")


def _geometry(value: Json) -> None:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "GeometryCollection":
        for geometry in _array(value, "geometries", "a GeometryCollection"):
            _geometry(geometry)
    elif isinstance(kind, str) and kind in _DEPTHS:
        coordinates = _array(value, "coordinates", f"a {kind}")
        _coordinates(coordinates, kind, _DEPTHS[kind])
    else:
        raise _refused("a geometry's type must be a geometry of RFC 7946")


def _array(value: dict[str, Json], member: str, owner: str) -> list[Json]:
    found = value.get(member)
    if not isinstance(found, list):
        raise _refused(f"{owner} needs the array {member}")
    return found


def _coordinates(value: Json, kind: str, depth: int) -> None:
    if not isinstance(value, list):
        raise _refused(f"the coordinates of a {kind} must be nested arrays of positions")
    if depth == 0:
        _position(value)
        return
    if depth == 1 and "LineString" in kind and len(value) < _LINE_POSITIONS:
        raise _refused("a LineString needs at least two positions")
    if depth == 1 and "Polygon" in kind and (len(value) < _RING_POSITIONS or value[0] != value[-1]):
        raise _refused("a ring of a Polygon needs at least four positions and ends where it begins")
    for inner in value:
        _coordinates(inner, kind, depth - 1)


def _position(value: list[Json]) -> None:
    least, most = _POSITION_NUMBERS
    if not least <= len(value) <= most or any(isinstance(part, bool | str | list | dict | None) for part in value):
        raise _refused("a position is [longitude, latitude] or [longitude, latitude, height]")


def _refused(what: str) -> RefusedError:
    return RefusedError("invalid_geojson", f"Must be GeoJSON (RFC 7946): {what}.")
