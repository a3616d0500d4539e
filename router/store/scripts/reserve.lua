-- Hold an upper bound on every account of a request. All or nothing, and safe to repeat under the same id.
--
-- ARGV[1]  packed { id, digest, lease ms, note, accounts }; accounts as in account_view
-- Returns  what `reserve` in holds.lua returns

return reserve(unpack(cmsgpack.unpack(ARGV[1])))
