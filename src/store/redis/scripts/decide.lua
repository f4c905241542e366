-- What becomes of a bulk: the first who says so, says so for ever. '-': it is broken off; '+': it was done with.
local bulk, verdict, seconds = arg(), arg(), arg()
local said = redis.call('GET', key('bulk', bulk))
if said then
  return said
end
if redis.call('EXISTS', key('done', bulk)) == 1 then
  return '+'
end
local lock = redis.call('GET', key('lock'))
if seconds == '' and not (lock and string.sub(lock, 1, #bulk) == bulk) then
  -- Whoever decides so late has been broken off.
  return '-'
end
if seconds == '' then
  redis.call('SET', key('bulk', bulk), verdict)
else
  redis.call('SET', key('bulk', bulk), verdict, 'EX', seconds)
end
return verdict
