-- Remember where a conversation was answered last. The oldest are forgotten, by age and by number.
--
-- KEYS[1]  conversations  hash  { id -> record }        KEYS[2]  their ages  zset  { id -> ms }
-- ARGV[1]  id   ARGV[2]  record, bytes   ARGV[3]  kept ms   ARGV[4]  how many are kept at most
-- Returns  how many are kept

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now, ARGV[1])
local gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3], 'LIMIT', 0, 64)
local over = redis.call('ZCARD', KEYS[2]) - ARGV[4]
if #gone == 0 and over > 0 then gone = redis.call('ZRANGE', KEYS[2], 0, over - 1) end
for _, id in ipairs(gone) do
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return redis.call('ZCARD', KEYS[2])
