-- Charge amounts without a hold, each once under its id: what a store that lost everything is told of what was spent.
-- The ids are remembered for as long as a window that is not a lifetime may last.
--
-- ARGV[1]  packed { { id, entry, amount } .. }; an entry as in account_close
-- Returns  how many were charged now

local ADJUSTED_MS = 400 * 86400000

local charged = 0
for _, one in ipairs(cmsgpack.unpack(ARGV[1])) do
  local id, entry, amount = unpack(one)
  if not hold_load(id) then
    account_close(entry, 'N', 'S', amount)
    hold_save(id, { 'S', 1 }, now + ADJUSTED_MS)
    charged = charged + 1
  end
end
return charged
