-- What becomes of a bulk: the first who says so, says so for ever.
local bulk, verdict, seconds = arg(), arg(), arg()
local said = redis.call('GET', key('bulk', bulk))
if said then
  return said
end
local lock = redis.call('GET', key('lock'))
if seconds == '' and not (lock and string.sub(lock, 1, #bulk) == bulk) then
  -- Whoever decides so late has been broken off, or has been done with.
  return '-'
end
if seconds == '' then
  redis.call('SET', key('bulk', bulk), verdict)
else
  redis.call('SET', key('bulk', bulk), verdict, 'EX', seconds)
end
return verdict
