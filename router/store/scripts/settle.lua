-- End a hold and write the request's record, once, however often this is delivered.
--
-- KEYS[4]  records  stream        KEYS[5]  sums of the hour  hash
-- ARGV[1]  packed { id, to (S, V or X), entries, actual, records kept, sums, sums kept ms }
--          entries as the reservation had them, so that a hold the store lost is booked all the same
-- ARGV[2]  record, bytes; empty for none
-- Returns  1 when this call ended the hold, 0 when it had ended before

local id, to, entries, actual, kept, sums, sums_ms = unpack(cmsgpack.unpack(ARGV[1]))
local ended = close(id, to, entries, actual)
if ended == 1 then write_record(ARGV[2], kept, sums, sums_ms) end
reap(REAPED_MAX)
return ended
