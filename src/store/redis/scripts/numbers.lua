-- How far the log goes, and all counters and late changes of that instant.
local account = arg()
local runs, lates = {}, {}
for _, metric in ipairs(list(1)) do
  local index = account .. '\0' .. metric[1]
  for _, member in ipairs(redis.call('ZRANGE', key('runs', index), 0, -1)) do
    local a, block = string.match(member, '^(-?%d+):(-?%d+)$')
    runs[#runs + 1] = { tonumber(metric[1]), tonumber(a), tonumber(block), redis.call('HGETALL', key('run', index .. ':' .. member)) }
  end
end
for n, arrived in ipairs(redis.call('ZRANGE', key('lates', account), 0, -1)) do
  lates[n] = { tonumber(arrived), redis.call('HGETALL', key('late', account .. '\0' .. arrived)) }
end
return { tonumber(redis.call('GET', key('last_seq')) or '0'), runs, lates }
