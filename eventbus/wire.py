"""How an event travels in a Redis stream: CloudEvents 1.0 attributes as flat fields, its fields as JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from eventbus.log import Record

SPEC_VERSION: Final = "1.0"


class WireInvalid(ValueError):
    """A stream entry is not what the relay writes; the log has the truth."""


def to_fields(record: Record) -> dict[str, str]:
    """Return the entry's fields; attributes without a value are left out, as CloudEvents asks."""
    app = record.type.partition(".")[0]
    fields = {
        "specversion": SPEC_VERSION,
        "id": str(record.event_id),
        "source": f"/contexts/{record.stream}/{app}",
        "type": record.type,
        "subject": record.key,
        "time": record.occurred_at.astimezone(UTC).isoformat(),
        "datacontenttype": "application/json",
        "sequence": str(record.position),
        "correlationid": record.correlation_id,
        "causationid": str(record.causation_id or ""),
        "traceparent": record.traceparent,
        "actor": record.actor,
        "data": record.data,
    }
    return {name: value for name, value in fields.items() if value}


def from_entry(*, stream: str, entry_id: str, fields: Mapping[str, str]) -> Record:
    """Return the record of a stream entry.

    Raises:
        WireInvalid: the id is not `<position>-0`, or an attribute is missing or malformed.
    """
    position, _, rest = entry_id.partition("-")
    if rest != "0" or fields.get("sequence") != position:
        raise WireInvalid(f"{stream}: entry {entry_id} is not at its position")
    try:
        return Record(
            stream=stream,
            position=int(position),
            event_id=UUID(fields["id"]),
            type=fields["type"],
            key=fields["subject"],
            data=fields["data"],
            occurred_at=datetime.fromisoformat(fields["time"]),
            correlation_id=fields["correlationid"],
            causation_id=UUID(fields["causationid"]) if "causationid" in fields else None,
            traceparent=fields.get("traceparent", ""),
            actor=fields.get("actor", ""),
        )
    except (KeyError, ValueError) as error:
        raise WireInvalid(f"{stream}: entry {entry_id}: {error!r}") from error
