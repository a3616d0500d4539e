-- Let leases end that ran out, also when no request comes. Repeat while it returns ARGV[1].
--
-- ARGV[1]  how many at the most
-- Returns  how many ended

return reap(tonumber(ARGV[1]))
