-- Records of an account after a number: how far numbers go, how far they were read, and number, name, the record, and of
-- each piece of outgoing work what is kept and when it is due.
local account, after, limit = arg(), number(), number()
local MOST_CHUNKS = 500
local last = tonumber(redis.call('GET', key('last_id')) or '0')
local prefix = account .. '\0'
local found = {}
local n, chunks = after, 0
while n < last and #found < limit and chunks < MOST_CHUNKS do
  local at = chunk(n + 1)
  chunks = chunks + 1
  local kept = redis.call('HGETALL', key('names', at))
  local names = {}
  for f = 1, #kept, 2 do
    names[tonumber(kept[f])] = kept[f + 1]
  end
  repeat
    n = n + 1
    local name = names[n % TOGETHER]
    if name and string.sub(name, 1, #prefix) == prefix then
      local works, all = {}, redis.call('HGETALL', key('work', decimal(n)))
      for f = 1, #all, 2 do
        local due = redis.call('ZSCORE', key('due'), due_member(unpacked(all[f + 1]), n, all[f]))
        works[#works + 1] = { all[f + 1], decimal(tonumber(due or '0')) }
      end
      table.sort(works, function(one, other) return one[1] < other[1] end)
      found[#found + 1] = { n, name, redis.call('GET', key('record', name)), works }
    end
  until n == last or #found == limit or (n + 1) % TOGETHER == 0
end
return { last, n, found }
