local lock = redis.call('GET', key('lock'))
if lock then
  return { 'busy', lock }
end
local entry = list(5)[1]
local fault = count(list(5))
if fault then
  return fault
end
set_aside(entry)
return { 'applied' }
