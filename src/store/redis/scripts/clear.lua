-- Takes some of an account away: records after a number, then chunks of the log, then all that is left. The answer is the
-- number to go on after, or nothing.
local account, what, after = arg(), arg(), number()
local kinds = list(1)
local metrics = list(1)
local AT_ONCE = 100

if what == 'records' then
  local last = math.floor(tonumber(redis.call('GET', key('last_id')) or '0') / TOGETHER)
  local prefix = account .. '\0'
  local upto = math.min(last, after + AT_ONCE)
  for at = after, upto do
    local names = redis.call('HGETALL', key('names', decimal(at)))
    for f = 1, #names, 2 do
      if string.sub(names[f + 1], 1, #prefix) == prefix then
        local id = at * TOGETHER + tonumber(names[f])
        bury(id)
        redis.call('DEL', key('work', decimal(id)), key('record', names[f + 1]), key('said', names[f + 1]))
        redis.call('HDEL', key('names', decimal(at)), names[f])
      end
    end
  end
  return upto < last and upto + 1 or false
end

if what == 'log' then
  local last = math.floor(tonumber(redis.call('GET', key('last_seq')) or '0') / TOGETHER)
  local upto = math.min(last, after + AT_ONCE * 10)
  for at = after, upto do
    redis.call('DEL', key('log', account .. '\0' .. decimal(at)))
  end
  return upto < last and upto + 1 or false
end

for _, arrived in ipairs(redis.call('ZRANGE', key('lates', account), 0, -1)) do
  redis.call('DEL', key('late', account .. '\0' .. arrived))
end
for _, metric in ipairs(metrics) do
  local index = account .. '\0' .. metric[1]
  for _, member in ipairs(redis.call('ZRANGE', key('runs', index), 0, -1)) do
    redis.call('DEL', key('run', index .. ':' .. member))
  end
  redis.call('DEL', key('runs', index))
end
for _, kind in ipairs(kinds) do
  redis.call('DEL', key('shared', account .. '\0' .. kind[1]))
end
for _, kind in ipairs({ 'lates', 'left', 'residue', 'aside' }) do
  redis.call('DEL', key(kind, account))
end
redis.call('DEL', key('moving'))
return false
