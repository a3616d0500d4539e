-- Raise what accounts have counted to at least what a backup says. Never lowers anything, so it may be repeated, and adds
-- nothing where the store has not lost anything.
--
-- ARGV[1]  packed { entry .. }; an entry as in account_close, its amount is what the window, or the ring's bucket, held
-- Returns  how many were raised

local raised = 0
for _, entry in ipairs(cmsgpack.unpack(ARGV[1])) do
  local name, kind, amount, _, buckets, at = unpack(entry)
  local numbers, missing = account_load(name), 0
  if kind == CALENDAR then
    numbers = calendar_open(numbers, at)
    local window = calendar_at(numbers, at)
    if window then
      missing = amount - numbers[window + 1] - numbers[window + 3]
      if missing > 0 then numbers[window + 1] = numbers[window + 1] + missing end
    end
  else
    numbers = ring_turn(numbers, at, buckets)
    if at >= numbers[1] - buckets then
      local slot = ring_slot(at, buckets)
      missing = amount - numbers[slot]
      if missing > 0 then numbers[slot] = amount end
    end
  end
  if missing > 0 then
    account_save(name, numbers)
    raised = raised + 1
  end
end
return raised
