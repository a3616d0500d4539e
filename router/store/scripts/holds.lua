-- Reservations: none -> H(eld) -> S(ettled) | V(oided) | X (unconfirmed); X -> S | V. S and V are final.
--
-- A record is { state, digest, note, admitted ms, entries }; of a final one only the state is kept, as a tombstone that
-- makes a second delivery harmless. An unconfirmed one keeps its charge until its usage or an operator says better.

local TOMBSTONE_MS = 600000
local UNCONFIRMED_MS = 62 * 86400000
local REAPED_MAX = 8

local function hold_load(id)
  local packed = redis.call('HGET', LEDGER, 'r:' .. id)
  return packed and cmsgpack.unpack(packed) or nil
end

local function hold_save(id, record, until_ms)
  redis.call('HSET', LEDGER, 'r:' .. id, cmsgpack.pack(record))
  redis.call('ZADD', LEASES, until_ms, id)
end

-- End a hold. Returns 1 when this call ended it, 0 when it had ended before. Unknown ids are booked as direct charges:
-- the store may have lost a hold, the bill stays.
local function close(id, to, entries, actual)
  local record = hold_load(id)
  local from = record and record[1] or 'N'
  if from == 'S' or from == 'V' or from == to then return 0 end
  local digest, note, admitted = '', '', now
  if record then digest, note, admitted, entries = record[2], record[3], record[4], record[5] end
  for index, entry in ipairs(entries) do
    account_close(entry, from, to, actual and actual[index] or 0)
  end
  if to == 'X' then
    hold_save(id, { 'X', digest, note, admitted, entries }, now + UNCONFIRMED_MS)
    redis.call('ZADD', UNCONFIRMED, admitted, id)
  else
    hold_save(id, { to }, now + TOMBSTONE_MS)
    redis.call('ZREM', UNCONFIRMED, id)
  end
  return 1
end

-- Holds whose lease ran out keep their charge, unconfirmed, and free their place; old tombstones go.
local function reap(most)
  local due = redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, most)
  for _, id in ipairs(due) do
    local record = hold_load(id)
    if record and record[1] == 'H' then
      close(id, 'X')
    else
      redis.call('HDEL', LEDGER, 'r:' .. id)
      redis.call('ZREM', LEASES, id)
      redis.call('ZREM', UNCONFIRMED, id)
    end
  end
  return #due
end

local GRANTED, DENIED, STALE, FINAL, CLASH = 1, 0, 2, 3, 4

-- Hold an amount on every account, all or nothing. `asked` as in account_view.
-- Returns { status, now, failing (0-based, -1), wait ms (-1 never), { limit - used }, { reset ms }, { spent }, { held }, { at } }
local function reserve(id, digest, lease_ms, note, asked)
  reap(REAPED_MAX)
  local record = hold_load(id)
  if record and record[1] ~= 'H' then return { FINAL, now, -1, 0, {}, {}, {}, {}, {} } end
  if record and record[2] ~= digest then return { CLASH, now, -1, 0, {}, {}, {}, {}, {} } end
  local views, failing, wait = {}, -1, 0
  for index, one in ipairs(asked) do
    local view = account_view(one)
    if not view then return { STALE, now, index - 1, 0, {}, {}, {}, {}, {} } end
    views[index] = view
    -- Of several refusals the longest is told: before it ends, nothing helps.
    if not record and view[5] ~= 0 and wait ~= NEVER and (view[5] == NEVER or view[5] > wait) then
      failing, wait = index - 1, view[5]
    end
  end
  local granted = failing == -1
  local entries = {}
  local reply = { granted and GRANTED or DENIED, now, failing, wait, {}, {}, {}, {}, {} }
  for index, one in ipairs(asked) do
    local name, kind, limit, amount, first, second = unpack(one)
    local numbers, at, spent, held, _, reset = unpack(views[index])
    local added = (granted and not record) and amount or 0
    if added ~= 0 then account_hold(kind, numbers, at, second, amount) end
    if granted and not record then
      account_save(name, numbers)
      entries[index] = { name, kind, amount, first, second, at }
    end
    reply[5][index] = limit - spent - held - added
    reply[6][index] = reset
    reply[7][index] = spent
    reply[8][index] = held
    reply[9][index] = record and record[5][index][6] or at
  end
  if granted and not record then
    hold_save(id, { 'H', digest, note, now, entries }, now + lease_ms)
  end
  return reply
end

-- Write what happened: KEYS[4] the team's records (stream), KEYS[5] its sums of the hour (hash).
local function write_record(record, kept, sums, sums_ms)
  if record ~= '' then
    redis.call('XADD', KEYS[4], 'MAXLEN', '~', kept, '*', 'r', record)
  end
  for index = 1, #sums, 2 do
    redis.call('HINCRBY', KEYS[5], sums[index], sums[index + 1])
  end
  if #sums > 0 then redis.call('PEXPIRE', KEYS[5], sums_ms) end
end
