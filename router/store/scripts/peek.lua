-- How the accounts stand, without changing them.
--
-- ARGV[1]  packed { accounts }; accounts as in account_view
-- Returns  { now, { spent }, { held }, { reset ms } }

local asked = cmsgpack.unpack(ARGV[1])[1]
local spent, held, reset = {}, {}, {}
for index, one in ipairs(asked) do
  local view = account_view(one)
  spent[index] = view and view[3] or 0
  held[index] = view and view[4] or 0
  reset[index] = view and view[6] or 0
end
return { now, spent, held, reset }
