-- What is kept of requests: the record, for a shorter while its details, and sums by hour and by day.
--
-- KEYS[4] the team's records, KEYS[8] their details (streams, the same places), KEYS[5] its sums of the hour, KEYS[6] of the day (hashes { number -> figures }),
-- KEYS[7] the names of what is summed (hash { name -> number }). Figures are packed lists of whole numbers. Numbered names
-- and packed figures keep a hash small, and the number of calls is the same however much is summed.

-- Names outlive every sum that is filed under their numbers: two years and two months.
local NAMES_KEPT_MS = 860 * 86400000

local HOUR, DAY = 1, 2
-- A row by all dimensions, a JSON list, stands in the hour; one by a single dimension, in small letters, in the day; a
-- counter, in capitals, in both (core/sums.py).
local function stands_in(name, span)
  local first = string.byte(name)
  if first == 91 then return span == HOUR end
  if first >= 97 then return span == DAY end
  return true
end

local function numbers_of(list)
  local numbers = redis.call('HMGET', KEYS[7], unpack(list))
  local known
  for index, name in ipairs(list) do
    if not numbers[index] then
      known = (known or redis.call('HLEN', KEYS[7])) + 1
      numbers[index] = known
      redis.call('HSET', KEYS[7], name, known)
    end
  end
  if known then redis.call('PEXPIRE', KEYS[7], NAMES_KEPT_MS) end
  return numbers
end

local function add_to(key, span, sums, numbers, kept_ms)
  local fields, added = {}, {}
  for index = 1, #numbers do
    if stands_in(sums[2 * index - 1], span) then
      fields[#fields + 1] = numbers[index]
      added[#added + 1] = sums[2 * index]
    end
  end
  if #fields == 0 then return end
  local stood, changed = redis.call('HMGET', key, unpack(fields)), {}
  for index, figures in ipairs(added) do
    local sum = stood[index] and cmsgpack.unpack(stood[index]) or {}
    for place = 1, #figures do sum[place] = (sum[place] or 0) + figures[place] end
    changed[2 * index - 1], changed[2 * index] = fields[index], cmsgpack.pack(sum)
  end
  -- Of a new hash every field is new.
  if redis.call('HSET', key, unpack(changed)) == #fields then redis.call('PEXPIRE', key, kept_ms) end
end

-- `sums` is { name, figures, ... }, each name once.
-- `kept` is how many records, and how many details.
local function write_record(record, details, kept, sums, kept_ms)
  if record ~= '' then
    local place = redis.call('XADD', KEYS[4], 'MAXLEN', '~', kept[1], '*', 'r', record)
    -- Details that cannot be placed, after somebody has removed the rows, must not stop the end of a hold.
    if details ~= '' then redis.pcall('XADD', KEYS[8], 'MAXLEN', '~', kept[2], place, 'd', details) end
  end
  if #sums == 0 then return end
  local names = {}
  for index = 1, #sums, 2 do names[#names + 1] = sums[index] end
  local numbers = numbers_of(names)
  add_to(KEYS[5], HOUR, sums, numbers, kept_ms)
  add_to(KEYS[6], DAY, sums, numbers, kept_ms)
end
