-- A step of a bulk in one home. A bulk spans homes, so it locks each after looking at it, is decided by one record in
-- the common home, and is then applied home by home. Whoever meets a lock that is old finishes the bulk or breaks it
-- off, as that record says.
local step, bulk = arg(), arg()
local lock = redis.call('GET', key('lock'))
local is_ours = lock and string.sub(lock, 1, #bulk) == bulk

if step == 'release' then
  if is_ours then
    redis.call('DEL', key('lock'))
  end
  return { 'applied' }
end

-- A home that says it is done is not done again; one that knows of no lock and no end has lost what it was told.
local done = redis.call('EXISTS', key('done', bulk)) == 1
if step == 'apply' and not is_ours then
  return { done and 'applied' or 'lost' }
end
if step == 'look' and done then
  return { 'stale' }
end
if step == 'look' and lock and not is_ours then
  return busy()
end

local commits = {}
for n = 1, number() do
  commits[n] = read_commit()
end
local notes, entries, increments = read_notes(), list(5), list(5)

if step == 'look' then
  local seen = {}
  local function fits(increments)
    for _, it in ipairs(increments) do
      local now = tonumber(redis.call('HGET', key('run', it[1] .. ':' .. it[2]), it[4]) or '0')
      if math.abs(now + tonumber(it[5])) > 2 ^ 53 then
        return false
      end
    end
    return true
  end
  for _, commit in ipairs(commits) do
    local who = commit.account .. '\0' .. commit.known
    -- Those that follow are made from what the one before leaves.
    if not seen[who] then
      local verdict = look(commit)
      if verdict ~= 'applied' then
        return { verdict }
      end
      seen[who] = true
    end
    if not fits(commit.increments) then
      return redis.error_reply('a counter would pass its edge')
    end
  end
  for _, note in ipairs(notes) do
    if not is_current(note) then
      return { 'stale' }
    end
  end
  redis.call('SET', key('lock'), bulk .. decimal(now_ms()))
  return { 'applied' }
end

for _, commit in ipairs(commits) do
  local fault = put(commit)
  if fault then
    return fault
  end
end
for _, note in ipairs(notes) do
  put_note(note)
end
for _, entry in ipairs(entries) do
  set_aside(entry)
end
local fault = count(increments)
if fault then
  return fault
end
redis.call('SET', key('done', bulk), '1', 'EX', 86400)
redis.call('DEL', key('lock'), key('bulk', bulk))
redis.call('INCR', key('bulks'))
return { 'applied' }
