-- What an account is and how it changes. Every verb's script begins with this file and holds.lua.
--
-- KEYS[1]  ledger   hash  { a:<account> -> numbers, r:<reservation> -> record, !now -> high-water clock }
-- KEYS[2]  leases   zset  { reservation -> epoch ms when its lease ends or its tombstone may go }
-- KEYS[3]  unconfirmed  zset  { reservation -> epoch ms of admission }
--
-- An account's numbers are packed by its kind:
--   calendar  { begin, spent, held, unconfirmed, and the same four of the window before }
--   ring      { newest bucket, count of bucket 0 .. N }   N+1 buckets cover every instant of a true window
--   gauge     { held }
-- All numbers are integers below 2^53, which a double holds exactly.

local LEDGER, LEASES, UNCONFIRMED = KEYS[1], KEYS[2], KEYS[3]
local CALENDAR, RING = 'c', 'r'
local NEVER = -1
local FOREVER_MS = 4503599627370496

local function server_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Time never runs backwards here: a clock that is set back would open used-up windows again.
local now = server_ms() --@clock
local mark = tonumber(redis.call('HGET', LEDGER, '!now') or '0')
if now > mark then
  redis.call('HSET', LEDGER, '!now', now)
else
  now = mark
end

local function account_load(name)
  local packed = redis.call('HGET', LEDGER, 'a:' .. name)
  return packed and cmsgpack.unpack(packed) or nil
end

local function account_save(name, numbers)
  redis.call('HSET', LEDGER, 'a:' .. name, cmsgpack.pack(numbers))
end

-- The calendar account with its current window beginning no earlier than `begin`.
local function calendar_open(numbers, begin)
  if not numbers then return { begin, 0, 0, 0, -1, 0, 0, 0 } end
  if begin > numbers[1] then
    return { begin, 0, 0, 0, numbers[1], numbers[2], numbers[3], numbers[4] }
  end
  return numbers
end

-- Where the window that begins at `begin` stands among the numbers; nil when it has been left behind.
local function calendar_at(numbers, begin)
  if numbers[1] == begin then return 1 end
  if numbers[5] == begin then return 5 end
  return nil
end

local function ring_slot(bucket, buckets)
  return 2 + bucket % (buckets + 1)
end

-- The ring turned on to `bucket`: what fell out of the window is forgotten.
local function ring_turn(numbers, bucket, buckets)
  if not numbers then
    numbers = { bucket }
    for index = 0, buckets do numbers[2 + index] = 0 end
    return numbers
  end
  if bucket > numbers[1] then
    local first = math.max(numbers[1] + 1, bucket - buckets)
    for passed = first, bucket do numbers[ring_slot(passed, buckets)] = 0 end
    numbers[1] = bucket
  end
  return numbers
end

local function ring_sum(numbers)
  local sum = 0
  for index = 2, #numbers do sum = sum + numbers[index] end
  return sum
end

-- Milliseconds until `amount` fits under `limit`, exact when nothing else happens.
local function ring_wait(numbers, amount, limit, length, buckets)
  if amount > limit then return NEVER end
  local width, over = length / buckets, ring_sum(numbers) + amount - limit
  for bucket = numbers[1] - buckets, numbers[1] do
    over = over - numbers[ring_slot(bucket, buckets)]
    if over <= 0 then return math.ceil((bucket + buckets + 1) * width) - now end
  end
  return NEVER
end

-- Milliseconds until the ring is empty again when nothing else happens.
local function ring_reset(numbers, length, buckets)
  local width = length / buckets
  for bucket = numbers[1], numbers[1] - buckets, -1 do
    if numbers[ring_slot(bucket, buckets)] > 0 then
      return math.ceil((bucket + buckets + 1) * width) - now
    end
  end
  return 0
end

-- An account as it stands now. `asked` is { name, kind, limit, amount, begin | length, end | buckets }; limit -1 never refuses.
-- Returns { numbers, at, spent, held, wait, reset }, wait 0 when `amount` fits; nil when the caller's window is not now's.
local function account_view(asked)
  local name, kind, limit, amount, first, second = unpack(asked)
  local numbers = account_load(name)
  if kind == CALENDAR then
    if now < first or now >= second then return nil end
    numbers = calendar_open(numbers, first)
    local at = calendar_at(numbers, first)
    if not at then return nil end
    local spent, held = numbers[at + 1] + numbers[at + 3], numbers[at + 2]
    local reset = second >= FOREVER_MS and NEVER or second - now
    local wait = 0
    if limit >= 0 and spent + held + amount > limit then wait = amount > limit and NEVER or reset end
    return { numbers, first, spent, held, wait, reset }
  end
  if kind == RING then
    local bucket = math.floor(now / (first / second))
    numbers = ring_turn(numbers, bucket, second)
    local sum, wait = ring_sum(numbers), 0
    if limit >= 0 and sum + amount > limit then wait = ring_wait(numbers, amount, limit, first, second) end
    return { numbers, bucket, sum, 0, wait, ring_reset(numbers, first, second) }
  end
  numbers = numbers or { 0 }
  local full = limit >= 0 and numbers[1] + amount > limit
  -- When somebody else ends is not known; a second is a hint.
  return { numbers, 0, 0, numbers[1], full and (amount > limit and NEVER or 1000) or 0, 0 }
end

-- Hold `amount` on an account that account_view has read.
local function account_hold(kind, numbers, at, buckets, amount)
  if kind == CALENDAR then
    local window = calendar_at(numbers, at)
    numbers[window + 2] = numbers[window + 2] + amount
  elseif kind == RING then
    local slot = ring_slot(at, buckets)
    numbers[slot] = numbers[slot] + amount
  else
    numbers[1] = numbers[1] + amount
  end
end

-- Replace a hold. `entry` is { name, kind, amount, begin | length, end | buckets, at }; `from` is the state it leaves: H held,
-- X unconfirmed, N none. To X keeps the whole hold as unconfirmed; otherwise `actual` is charged in its place.
local function account_close(entry, from, to, actual)
  local name, kind, amount, _, buckets, at = unpack(entry)
  local numbers = account_load(name)
  if kind == CALENDAR then
    numbers = calendar_open(numbers, at)
    local window = calendar_at(numbers, at)
    if not window then return end
    if from == 'H' then numbers[window + 2] = numbers[window + 2] - amount end
    if from == 'X' then numbers[window + 3] = numbers[window + 3] - amount end
    local into = to == 'X' and window + 3 or window + 1
    numbers[into] = numbers[into] + (to == 'X' and amount or actual)
  elseif kind == RING then
    numbers = ring_turn(numbers, at, buckets)
    if at < numbers[1] - buckets then return end
    local slot = ring_slot(at, buckets)
    numbers[slot] = numbers[slot] + (to == 'X' and amount or actual) - (from == 'N' and 0 or amount)
  else
    numbers = numbers or { 0 }
    if from == 'H' then numbers[1] = numbers[1] - amount end
  end
  account_save(name, numbers)
end
