-- Somebody's number, the facts with words, and outgoing work in the order it was asked for.
local account, known, tombstone = arg(), arg(), arg()
local name, version, id = find(account, known, tombstone)
if not id then
  return false
end
local worded = {}
for n, seq in ipairs(redis.call('SMEMBERS', key('words', decimal(id)))) do
  local at, place = chunk(tonumber(seq))
  local fact = redis.call('HGET', key('log', account .. '\0' .. at), place)
  worded[n] = { seq, string.sub(fact or string.rep('\0', 8), 9) }
end
local work = redis.call('HVALS', key('work', decimal(id)))
table.sort(work)
local bodies = {}
for n, kept in ipairs(work) do
  bodies[n] = string.sub(kept, 13)
end
return { version, decimal(id), worded, bodies, redis.call('GET', record_key(account, name)) }
