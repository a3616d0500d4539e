-- End a hold and write the request's record, each once, however often this is delivered.
--
-- KEYS[4..8]  as records.lua has them
-- ARGV[1]  packed { id, to (S, V or X), entries, actual, note, told, { records, details kept }, sums, sums kept ms }
--          entries and note as the reservation had them, so that a hold the store lost is booked all the same
--          told is 1 with a record, 0 without
-- ARGV[2..3]  record and details, bytes; empty for none
-- Returns  1 when this call ended the hold, 0 when it had ended before

local id, to, entries, actual, note, told, kept, sums, sums_ms = unpack(cmsgpack.unpack(ARGV[1]))
local ended, writing = close(id, to, entries, actual, note, told)
if writing then write_record(ARGV[2], ARGV[3], kept, sums, sums_ms) end
reap(REAPED_MAX)
return ended
