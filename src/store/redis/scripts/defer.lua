-- Puts work off, if it was not claimed again meanwhile.
local account, known, tombstone, work, attempt, due = arg(), arg(), arg(), arg(), number(), arg()
local _, _, id = find(account, known, tombstone)
if id then
  local kept = redis.call('HGET', key('work', decimal(id)), work)
  if kept and struct.unpack('>I4', string.sub(kept, 9, 12)) == attempt then
    redis.call('ZADD', key('due'), due, due_member(unpacked(kept), id, work))
  end
end
return { 'applied' }
