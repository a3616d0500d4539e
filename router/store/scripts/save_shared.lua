-- Keep a small value that every replica reads, unless somebody else has changed it since it was read.
--
-- KEYS[1]  the value  string
-- ARGV[1]  the value as it was read, '' for none   ARGV[2]  the value to keep   ARGV[3]  when it ends, epoch ms
-- Returns  1 when it is kept (also when it was kept before), 0 when it has changed since

local stands = redis.call('GET', KEYS[1]) or ''
if stands ~= ARGV[1] and stands ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', tonumber(ARGV[3]))
return 1
