-- Read rows of one team's records in one piece.
--
-- KEYS[1]  rows  stream
-- ARGV[1]  XREVRANGE for the newest first, XRANGE for the oldest   ARGV[2..3]  its bounds   ARGV[4]  how many at most
-- Returns  msgpack [ place, row, place, row, ... ], each row as bytes

local found = redis.call(ARGV[1], KEYS[1], ARGV[2], ARGV[3], 'COUNT', ARGV[4])
local reply = { '\221' .. struct.pack('>I4', 2 * #found) }
for _, entry in ipairs(found) do
  reply[#reply + 1] = cmsgpack.pack(entry[1])
  reply[#reply + 1] = struct.pack('>BI4', 198, #entry[2][2])
  reply[#reply + 1] = entry[2][2]
end
return table.concat(reply)
