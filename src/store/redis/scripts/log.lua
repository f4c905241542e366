-- Facts after one place of the log: how far the log goes, how far it was read, and number, record, its name, the fact.
-- An empty `only` means of everybody.
local account, after, limit, only = arg(), number(), number(), arg()
local MOST_CHUNKS = 500
local last = tonumber(redis.call('GET', key('last_seq')) or '0')
local found, names = {}, {}
local n, chunks = after, 0
while n < last and #found < limit and chunks < MOST_CHUNKS do
  local at = chunk(n + 1)
  chunks = chunks + 1
  local kept = redis.call('HGETALL', key('log', account .. '\0' .. at))
  local facts = {}
  for f = 1, #kept, 2 do
    facts[tonumber(kept[f])] = kept[f + 1]
  end
  repeat
    n = n + 1
    local fact = facts[n % TOGETHER]
    if fact then
      local id = decimal(unpacked(fact))
      if only == '' or only == id then
        names[id] = names[id] or name_of(unpacked(fact))
        found[#found + 1] = { n, id, names[id], string.sub(fact, 9) }
      end
    end
  until n == last or #found == limit or (n + 1) % TOGETHER == 0
end
return { last, n, found }
