-- Lengthen the leases of holds whose router still lives. One that has ended, or that the store lost, is passed over:
-- its settlement carries all that is needed.
--
-- ARGV[1]  packed { ids, lease ms }
-- Returns  how many were lengthened

local ids, lease_ms = unpack(cmsgpack.unpack(ARGV[1]))
local renewed = 0
for _, id in ipairs(ids) do
  local record = hold_load(id)
  if record and record[1] == 'H' then
    redis.call('ZADD', LEASES, 'GT', now + lease_ms, id)
    renewed = renewed + 1
  end
end
return renewed
