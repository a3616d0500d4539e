-- Keep a virtual key's record and tell every replica, in one step: a change that nobody hears of is not made.
--
-- KEYS[1]  keys  hash  { id -> record }        KEYS[2]  version of the keys        KEYS[3]  teams  set
-- ARGV[1]  id   ARGV[2]  the record as it was read, '' for none   ARGV[3]  the record to keep   ARGV[4]  team
-- Returns  1 when it is kept (also when it was kept before), 0 when somebody else has changed the record since

local stands = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if stands ~= ARGV[2] and stands ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('INCR', KEYS[2])
redis.call('SADD', KEYS[3], ARGV[4])
return 1
