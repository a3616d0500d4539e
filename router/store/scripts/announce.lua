-- Make the holds again that the store has lost, as they were, whatever the limits say: their requests are under way.
--
-- ARGV[1]  packed { lease ms, { { id, note, entries } .. } }; entries as in account_close
-- Returns  how many were missing

local function hold_again(entry)
  local name, kind, amount, _, buckets, at = unpack(entry)
  local numbers = account_load(name)
  if kind == CALENDAR then
    numbers = calendar_open(numbers, at)
    if not calendar_at(numbers, at) then return end
  elseif kind == RING then
    numbers = ring_turn(numbers, at, buckets)
    if at < numbers[1] - buckets then return end
  else
    numbers = numbers or { 0 }
  end
  account_hold(kind, numbers, at, buckets, amount)
  account_save(name, numbers)
end

local lease_ms, holds = unpack(cmsgpack.unpack(ARGV[1]))
local missing = 0
for _, one in ipairs(holds) do
  local id, note, entries = unpack(one)
  if not hold_load(id) then
    for _, entry in ipairs(entries) do
      hold_again(entry)
    end
    hold_save(id, { 'H', 0, '', note, now, entries }, now + lease_ms)
    missing = missing + 1
  end
end
return missing
