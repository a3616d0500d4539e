-- Reservations: none -> H(eld) -> S(ettled) | V(oided) | X (unconfirmed); X -> S | V. S and V are final.
--
-- A hold is { state, told, digest, note, admitted ms, entries }; of a final one only the first two are kept, as a tombstone
-- that makes a second delivery harmless. An unconfirmed one keeps its charge until its usage or an operator says better.
-- `told` is 1 when the request's record was written with it: a lease that runs out, and advance, end a hold without one.

local TOMBSTONE_MS = 600000
local UNCONFIRMED_MS = 400 * 86400000
local REAPED_MAX = 8
-- Before a refusal: a place that nobody holds any more is never the reason.
local REAPED_BEFORE_REFUSAL = 256

local function hold_load(id)
  local packed = redis.call('HGET', LEDGER, 'r:' .. id)
  return packed and cmsgpack.unpack(packed) or nil
end

local function hold_save(id, record, until_ms)
  redis.call('HSET', LEDGER, 'r:' .. id, cmsgpack.pack(record))
  redis.call('ZADD', LEASES, until_ms, id)
end

-- End a hold; `told` is 1 when the caller has a record to write. Returns 1 when this call ended it, 0 when it had ended
-- before, and whether the record is to be written. Unknown ids are booked as direct charges: the store may have lost a
-- hold, the bill stays.
local function close(id, to, entries, actual, note, told)
  local hold = hold_load(id)
  local from, digest, admitted = 'N', '', now
  if hold then from = hold[1] end
  if from == 'S' or from == 'V' or from == to then
    if told == 0 or hold[2] == 1 then return 0, false end
    hold[2] = 1
    redis.call('HSET', LEDGER, 'r:' .. id, cmsgpack.pack(hold))
    return 0, true
  end
  if hold then digest, note, admitted, entries = hold[3], hold[4], hold[5], hold[6] end
  for index, entry in ipairs(entries) do
    account_close(entry, from, to, actual[index] or entry[3])
  end
  if to == 'X' then
    hold_save(id, { 'X', told, digest, note, admitted, entries }, now + UNCONFIRMED_MS)
    redis.call('ZADD', UNCONFIRMED, admitted, id)
  else
    hold_save(id, { to, told }, now + TOMBSTONE_MS)
    redis.call('ZREM', UNCONFIRMED, id)
  end
  return 1, told == 1
end

-- Holds whose lease ran out keep their charge, unconfirmed, and free their place; old tombstones go.
local function reap(most)
  local due = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, most)
  for _, id in ipairs(due) do
    local record = hold_load(id)
    if record and record[1] == 'H' then
      close(id, 'X', {}, {}, '', 0)
    else
      redis.call('HDEL', LEDGER, 'r:' .. id)
      redis.call('ZREM', LEASES, id)
      redis.call('ZREM', UNCONFIRMED, id)
    end
  end
  return #due
end

local GRANTED, DENIED, STALE, FINAL, CLASH = 1, 0, 2, 3, 4

-- The accounts as they stand, the one that refuses (0-based, -1 for none) and its wait. Of several refusals the longest
-- is told: before it ends, nothing helps. No accounts at all when the window of one has passed, or not begun.
local function look(asked)
  local views, failing, wait = {}, -1, 0
  for index, one in ipairs(asked) do
    local view = account_view(one)
    if not view then return nil, index - 1, 0 end
    views[index] = view
    if view[5] ~= 0 and wait ~= NEVER and (view[5] == NEVER or view[5] > wait) then
      failing, wait = index - 1, view[5]
    end
  end
  return views, failing, wait
end

-- Hold an amount on every account, all or nothing. `asked` as in account_view.
-- Returns { status, now, failing (0-based, -1), wait ms (-1 never), { limit - used }, { reset ms }, { spent }, { held }, { at } }
local function reserve(id, digest, lease_ms, note, asked)
  local reaped = reap(REAPED_MAX)
  local hold = hold_load(id)
  if hold and hold[1] ~= 'H' then return { FINAL, now, -1, 0, {}, {}, {}, {}, {} } end
  if hold and hold[3] ~= digest then return { CLASH, now, -1, 0, {}, {}, {}, {}, {} } end
  local views, failing, wait = look(asked)
  if views and not hold and failing ~= -1 and reaped == REAPED_MAX then
    reap(REAPED_BEFORE_REFUSAL)
    views, failing, wait = look(asked)
  end
  if not views then return { STALE, now, failing, 0, {}, {}, {}, {}, {} } end
  if hold then failing, wait = -1, 0 end
  local granted = failing == -1
  local fresh = granted and not hold
  local entries = {}
  local reply = { granted and GRANTED or DENIED, now, failing, wait, {}, {}, {}, {}, {} }
  for index, one in ipairs(asked) do
    local name, kind, limit, amount, first, second = unpack(one)
    local numbers, at, spent, held, _, reset = unpack(views[index])
    if fresh then
      account_hold(kind, numbers, at, second, amount)
      account_save(name, numbers)
      entries[index] = { name, kind, amount, first, second, at }
      -- As `remaining`, it is told with what has just been taken.
      if kind == RING then reset = ring_reset(numbers, first, second) end
    end
    reply[5][index] = limit - spent - held - (fresh and amount or 0)
    reply[6][index] = reset
    reply[7][index] = spent
    reply[8][index] = held
    reply[9][index] = hold and hold[6][index][6] or at
  end
  if fresh then hold_save(id, { 'H', 0, digest, note, now, entries }, now + lease_ms) end
  return reply
end
