-- End one attempt's hold and reserve the next attempt's, in one step, so that nobody takes the freed place between.
--
-- ARGV[1]  packed { { id, to, entries, actual, note, 0 }, { id, digest, lease ms, note, accounts } }
-- Returns  what `reserve` in holds.lua returns, for the second

local ending, following = unpack(cmsgpack.unpack(ARGV[1]))
close(unpack(ending))
return reserve(unpack(following))
