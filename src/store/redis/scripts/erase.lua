-- Takes somebody away in one step: record, name, facts, outgoing work. What they counted is residue from now on.
local in_the_way = busy()
if in_the_way then
  return in_the_way
end
local account, known, tombstone, base = arg(), arg(), arg(), arg()
local name, version, id = find(account, known, tombstone)
if not id or version ~= base then
  return { 'stale' }
end
local moved = list(5)
local fault = count(moved)
if fault then
  return fault
end
journal(account, list(3))
for _, it in ipairs(list(2)) do
  local _, full = add(key('residue', account), it[1], it[2])
  if full then
    return full
  end
end
for _, it in ipairs(list(1)) do
  local at, place = chunk(tonumber(it[1]))
  redis.call('HDEL', key('log', account .. '\0' .. at), place)
end
-- A journal may still bring what they sent of late.
spend(account, list(1))
bury(id)
redis.call('DEL', key('work', decimal(id)), record_key(account, name), said_key(account, name))
local at, place = chunk(id)
redis.call('HDEL', key('names', at), place)
redis.call('ZREM', key('left', account), decimal(id))
local floor = tonumber(redis.call('GET', key('forgotten')) or '0')
if unpacked(version) > floor then
  redis.call('SET', key('forgotten'), decimal(unpacked(version)))
end
return { 'applied' }
