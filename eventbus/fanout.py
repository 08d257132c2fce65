"""The stream in Redis: compare-and-append in one script, so that duplicate relays are harmless."""

import dataclasses
from collections.abc import Sequence
from typing import Final, cast

import redis

from eventbus import log, wire

# ARGV: expected last position ("?" only asks), length cap, then per entry: position, count, fields and values.
# A stream that nothing is appended to for a week goes; the log has it, and a dead epoch leaves nothing behind.
# The script compares with the last id that it reads itself; after a mismatch the caller learns where the stream is.
COMPARE_AND_APPEND: Final = """
local last, event = '0', ''
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      last = string.match(info[i + 1], '^%d+')
    elseif info[i] == 'last-entry' and info[i + 1] then
      local fields = info[i + 1][2]
      for j = 1, #fields, 2 do
        if fields[j] == 'id' then event = fields[j + 1] end
      end
    end
  end
end
if last ~= ARGV[1] then return {0, last, event} end
local i = 3
while i <= #ARGV do
  local count = tonumber(ARGV[i + 1])
  redis.call('XADD', KEYS[1], ARGV[i] .. '-0', unpack(ARGV, i + 2, i + 1 + count))
  i = i + 2 + count
end
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[2])
redis.call('EXPIRE', KEYS[1], 604800)
return {1, last, event}
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tail:
    """The last entry of the stream in Redis; no `event_id` when only its position is left."""

    position: int
    event_id: str


class Fanout:
    """One Redis to append to."""

    def __init__(self, *, client: redis.Redis, cap: int) -> None:
        self._append = client.register_script(COMPARE_AND_APPEND)
        self._client = client
        self._cap = cap

    def tail(self, *, key: str) -> Tail:
        """Return where the stream is; position 0 if it is empty or gone."""
        return _tail(cast("list[str]", self._append(keys=[key], args=["?", self._cap])))

    def append(self, *, key: str, expected: int, records: Sequence[log.Record]) -> Tail | None:
        """Append the records if the stream's last position is `expected`; else return where it is."""
        arguments: list[str | int] = [expected, self._cap]
        for record in records:
            fields = [part for item in wire.to_fields(record).items() for part in item]
            arguments += [record.position, len(fields), *fields]
        answer = cast("list[str]", self._append(keys=[key], args=arguments))
        return None if int(answer[0]) else _tail(answer)

    def forget(self, *, keys: Sequence[str]) -> None:
        """Delete streams that nobody reads any more."""
        self._client.delete(*keys)


def _tail(answer: Sequence[str]) -> Tail:
    return Tail(position=int(answer[1]), event_id=answer[2])
