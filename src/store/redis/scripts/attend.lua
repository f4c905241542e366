-- Who writes here: servers, or one copy, never both. Each says again and again that it is there.
local who, how, seconds = arg(), arg(), number()
local now = tonumber(redis.call('TIME')[1])
local serving, copying = key('serving'), key('copying')
redis.call('ZREMRANGEBYSCORE', serving, '-inf', now)
if how == 'leave' then
  redis.call('ZREM', serving, who)
  if redis.call('GET', copying) == who then
    redis.call('DEL', copying)
  end
  return 'out'
end
local copier = redis.call('GET', copying)
if how == 'copy' then
  if redis.call('ZCARD', serving) > 0 then
    return 'served'
  end
  if copier and copier ~= who then
    return 'copied'
  end
  redis.call('SET', copying, who, 'EX', seconds)
  return 'in'
end
if redis.call('HEXISTS', key('meta'), 'half') == 1 then
  return 'half'
end
if copier then
  return 'copied'
end
-- Whoever was away for too long comes anew: a copy may have begun and stopped meanwhile.
if redis.call('ZADD', serving, now + seconds, who) == 1 then
  redis.call('HINCRBY', key('meta'), 'opened', 1)
  redis.call('HDEL', key('meta'), 'whole')
end
return 'in'
