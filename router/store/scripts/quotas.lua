-- Tell what one process used of an account's windows upstream, and hear what all of them did.
--
-- KEYS[1]  quotas  hash
--            p:<process> -> when it was here last, ms
--            u:<step>:<measure>:<quota> -> use in that step
--            l:<measure>:<quota> -> "<at ms> <limit> <unknown>", the newest word of the vendor
-- ARGV[1]  process   ARGV[2]  step ms   ARGV[3]  window ms   ARGV[4]  a process is gone after ms   ARGV[5]  kept ms
-- ARGV[6]  how many uses follow, each as <measure>:<quota>, how long ago its step ended (ms, 0 while it lasts), amount;
--          then the words, each as <measure>:<quota>, how long ago (ms), limit, unknown
-- Returns  { now ms, processes, { field, value, .. } } without the processes' own fields
-- Promises that what no longer counts is dropped, so that the hash is bounded by the number of quotas.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key, step_ms, window_ms = KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local at = 7
for _ = 1, tonumber(ARGV[6]) do
  local step = math.floor((now - ARGV[at + 1]) / step_ms)
  redis.call('HINCRBY', key, 'u:' .. string.format('%d', step) .. ':' .. ARGV[at], ARGV[at + 2])
  at = at + 3
end
while at <= #ARGV do
  local field, told = 'l:' .. ARGV[at], now - ARGV[at + 1]
  local known = redis.call('HGET', key, field)
  if not known or tonumber(string.match(known, '^%d+')) < told then
    redis.call('HSET', key, field, string.format('%d %d %d', told, tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])))
  end
  at = at + 4
end
redis.call('HSET', key, 'p:' .. ARGV[1], now)

local processes, kept = 0, {}
local all = redis.call('HGETALL', key)
for index = 1, #all, 2 do
  local field, value = all[index], all[index + 1]
  local kind = string.sub(field, 1, 1)
  if kind == 'p' then
    if tonumber(value) > now - ARGV[4] then processes = processes + 1 else redis.call('HDEL', key, field) end
  elseif kind == 'u' and (tonumber(string.match(field, '^u:(%d+)')) + 1) * step_ms <= now - window_ms then
    redis.call('HDEL', key, field)
  else
    kept[#kept + 1] = field
    kept[#kept + 1] = value
  end
end
redis.call('PEXPIRE', key, ARGV[5])
return { now, processes, kept }
