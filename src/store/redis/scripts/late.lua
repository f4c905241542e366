-- Late changes by the day they arrived: day, and field and value by turns.
local account, from, to = arg(), arg(), arg()
local found = {}
for n, arrived in ipairs(redis.call('ZRANGEBYSCORE', key('lates', account), from, to)) do
  found[n] = { tonumber(arrived), redis.call('HGETALL', key('late', account .. '\0' .. arrived)) }
end
return found
