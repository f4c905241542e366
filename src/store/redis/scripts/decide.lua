-- What becomes of a bulk: the first who says so, says so for ever.
local bulk, verdict, seconds = arg(), arg(), arg()
local said = redis.call('GET', key('bulk', bulk))
if said then
  return said
end
if seconds == '' then
  redis.call('SET', key('bulk', bulk), verdict)
else
  redis.call('SET', key('bulk', bulk), verdict, 'EX', seconds)
end
return verdict
