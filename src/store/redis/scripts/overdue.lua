-- The names of those who left before a day, longest ago first.
local account, before, limit = arg(), arg(), arg()
local found = {}
for n, id in ipairs(redis.call('ZRANGEBYSCORE', key('left', account), '-inf', '(' .. before, 'LIMIT', 0, limit)) do
  found[n] = name_of(tonumber(id))
end
return found
