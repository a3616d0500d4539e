-- End an unconfirmed hold at an operator's word, on every account, in the hour's sums and for its record. Safe to repeat.
--
-- The word is final: a usage that comes after it changes nothing and writes no record, for whoever settled by hand has
-- seen the bill. So its tombstone stays longer than any delivery, and remembers the amount.
--
-- KEYS[4..8]  as records.lua has them
-- KEYS[9]  corrections  hash  { reservation -> nano-USD }, laid over the request's record when it is read
-- ARGV[1]  packed { id, to (S or V), nano-USD, actual, sums, sums kept ms }; `actual` by the hold's entries
-- Returns  { status, nano-USD }: 1 ended now, 0 ended so before, 2 ended otherwise (-1: by its own usage, or refused
--          work), 3 still open, 4 unknown

local ENDED, SAME, OTHERWISE, OPEN, UNKNOWN = 1, 0, 2, 3, 4
local RECONCILED_MS = 400 * 86400000

local id, to, nano, actual, sums, sums_ms = unpack(cmsgpack.unpack(ARGV[1]))
reap(REAPED_MAX)
local hold = hold_load(id)
if not hold then return { UNKNOWN, 0 } end
if hold[1] == 'H' then return { OPEN, 0 } end
if hold[1] ~= 'X' then
  if hold[7] == nano then return { SAME, nano } end
  return { OTHERWISE, hold[7] or -1 }
end
close(id, to, {}, actual, '', 1)
hold_save(id, { to, 1, '', '', hold[5], {}, nano }, now + RECONCILED_MS)
write_record('', '', {}, sums, sums_ms)
redis.call('HSET', KEYS[9], id, nano)
redis.call('PEXPIRE', KEYS[9], sums_ms)
return { ENDED, nano }
