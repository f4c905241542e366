-- Deliveries that could not be used, with their numbers: those from one number down to another, newest first.
local account, from, to = arg(), arg(), number()
local last = from == '' and tonumber(redis.call('GET', key('aside_last', account)) or '0') or tonumber(from)
local found = {}
for n = last, math.max(to, last - 255), -1 do
  local entry = redis.call('HGET', key('aside', account), decimal(n))
  if entry then
    found[#found + 1] = { decimal(n), entry }
  end
end
return { last, found }
