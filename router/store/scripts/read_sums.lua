-- Read sums of one team in one piece: each piece of a reply costs its reader more than its bytes.
--
-- KEYS[1]   names of what is summed  hash  { name -> number }
-- KEYS[2..] sums  hashes  { number -> packed figures }
-- ARGV[1]   the first letters of the names that are wanted; empty for all
-- Returns   msgpack [ { number -> name }, { number -> figures } for each of KEYS[2..] ]

-- unpack() has room for some thousand values, and a team may use more tags than that.
local SLICE = 1000

local function header(mark, count) return mark .. struct.pack('>I4', count) end
local ARRAY, MAP = '\221', '\223'

local numbers, name_of = {}, {}
local function know(found)
  for index = 1, #found, 2 do
    local name, number = found[index], found[index + 1]
    if not name_of[number] then numbers[#numbers + 1] = number end
    name_of[number] = name
  end
end

if ARGV[1] == '' then
  know(redis.call('HGETALL', KEYS[1]))
else -- Most names are of rows by all dimensions: where they are not wanted, the server is quicker to pass over them.
  local pattern, cursor = '[' .. ARGV[1] .. ']*', '0'
  repeat
    local found = redis.call('HSCAN', KEYS[1], cursor, 'MATCH', pattern, 'COUNT', 10000)
    cursor = found[1]
    know(found[2])
  until cursor == '0'
end

-- The packed number of a name that is wanted. A name is told when it is first met: most of a month's are not in a day.
local packed, names, met = {}, {}, 0
local function number_of(number)
  if not packed[number] and name_of[number] then
    packed[number] = cmsgpack.pack(tonumber(number))
    met = met + 1
    names[met] = packed[number] .. cmsgpack.pack(name_of[number])
  end
  return packed[number]
end

-- Pieces of the reply. They are counted here, and put together once: this is done for every row of many teams.
local parts, size = {}, 0

local function all_of(key)
  local found = redis.call('HGETALL', key)
  for index = 1, #found, 2 do
    local number = packed[found[index]] or number_of(found[index])
    if number then
      parts[size + 1], parts[size + 2] = number, found[index + 1]
      size = size + 2
    end
  end
end

local function some_of(key)
  for first = 1, #numbers, SLICE do
    local last = math.min(first + SLICE - 1, #numbers)
    local found = redis.call('HMGET', key, unpack(numbers, first, last))
    for index = first, last do
      local figures = found[index - first + 1]
      if figures then
        parts[size + 1], parts[size + 2] = number_of(numbers[index]), figures
        size = size + 2
      end
    end
  end
end

for index = 2, #KEYS do
  local before = size + 1
  size = before
  -- An hour has few of the names that a month knows.
  local read = (ARGV[1] == '' or redis.call('HLEN', KEYS[index]) <= #numbers) and all_of or some_of
  read(KEYS[index])
  parts[before] = header(MAP, (size - before) / 2)
end
return header(ARRAY, #KEYS) .. header(MAP, met) .. table.concat(names) .. table.concat(parts)
