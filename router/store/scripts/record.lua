-- Write the record of a request that holds nothing: a refusal, or one whose last hold has ended. Once for an id.
--
-- KEYS[4..8]  as records.lua has them
-- ARGV[1]  packed { id, { records, details kept }, sums, sums kept ms }        ARGV[2..3]  record and details, bytes
-- Returns  1 when this call wrote it, 0 when it had been written before

local id, kept, sums, sums_ms = unpack(cmsgpack.unpack(ARGV[1]))
if hold_load(id) then return 0 end
hold_save(id, { 'S', 1 }, now + TOMBSTONE_MS)
write_record(ARGV[2], ARGV[3], kept, sums, sums_ms)
reap(REAPED_MAX)
return 1
