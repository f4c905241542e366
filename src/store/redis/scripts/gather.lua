-- Counters of some ranges: which range, first coordinate, block, and field and value by turns.
local account = arg()
local found = {}
for n = 1, number() do
  local metric, from, to, last_block = arg(), arg(), arg(), number()
  local index = account .. '\0' .. metric
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key('runs', index), from, to)) do
    local a, block = string.match(member, '^(-?%d+):(-?%d+)$')
    if tonumber(block) <= last_block then
      found[#found + 1] = { n, tonumber(a), tonumber(block), redis.call('HGETALL', key('run', index .. ':' .. member)) }
    end
  end
end
return found
