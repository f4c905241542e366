-- Leases these pieces of work, as far as they are still due.
local now, until_secs = number(), arg()
local claimed = {}
for _, it in ipairs(list(1)) do
  local member = it[1]
  local due = redis.call('ZSCORE', key('due'), member)
  if due and tonumber(due) <= now then
    local id, work = string.match(member, '^%d+:(%d+):(.*)$')
    local kept = redis.call('HGET', key('work', id), work)
    if kept then
      local attempt = struct.unpack('>I4', string.sub(kept, 9, 12)) + 1
      local body = string.sub(kept, 13)
      redis.call('HSET', key('work', id), work, string.sub(kept, 1, 8) .. struct.pack('>I4', attempt) .. body)
      redis.call('ZADD', key('due'), until_secs, member)
      claimed[#claimed + 1] = { member, name_of(tonumber(id)), attempt, body }
    else
      redis.call('ZREM', key('due'), member)
    end
  end
end
return claimed
