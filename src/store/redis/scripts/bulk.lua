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
  return { is_ours and 'applied' or 'stale' }
end

-- A home that says it is done is not done again.
local REMEMBERED_SECS = 86400
local function ended(how)
  redis.call('SET', key('done', bulk), how, 'EX', REMEMBERED_SECS)
  redis.call('DEL', key('bulk', bulk))
  redis.call('INCR', key('bulks'))
  return { how }
end

local done = redis.call('GET', key('done', bulk))
if step == 'look' and done then
  return { 'stale' }
end
if step == 'look' and lock and not is_ours then
  return busy()
end
if done then
  return { done == 'stale' and 'stale' or 'applied' }
end
if step == 'drop' then
  if is_ours then
    redis.call('DEL', key('lock'))
  end
  return ended('stale')
end

local commits = {}
for n = 1, number() do
  commits[n] = read_commit()
end
local notes, entries, increments = read_notes(), list(5), list(5)

local function fits(increments)
  for _, it in ipairs(increments) do
    local now = tonumber(redis.call('HGET', key('run', it[1] .. ':' .. it[2]), it[4]) or '0')
    if math.abs(now + tonumber(it[5])) > 2 ^ 53 then
      return false
    end
  end
  return true
end

-- How records will stand when those before are applied, by their keys; false where there will be none.
local standing = {}
local function stood(commit)
  for _, name in ipairs({ commit.known, commit.tombstone }) do
    local at = record_key(commit.account, name)
    if standing[at] == nil then
      local head = redis.call('GETRANGE', at, 0, 15)
      standing[at] = false
      if #head == 16 then
        local works = {}
        for _, work in ipairs(redis.call('HKEYS', key('work', decimal(unpacked(string.sub(head, 9, 16)))))) do
          works[work] = true
        end
        standing[at] = { version = string.sub(head, 1, 8), works = works }
      end
    end
    if standing[at] then
      return at, standing[at]
    end
  end
  return nil, { version = NEVER, works = {} }
end

-- Whether a commit is made from what those before it leave. A record that they make has version 1.
local function follows(commit)
  local at, before = stood(commit)
  local works = before.works
  for _, settled in ipairs(commit.settled) do
    if not works[settled[1]] then
      return false
    end
  end
  if before.version ~= commit.base then
    return false
  end
  for _, settled in ipairs(commit.settled) do
    works[settled[1]] = nil
  end
  for _, it in ipairs(commit.outbox) do
    works[it[1]] = true
  end
  if at then
    standing[at] = false
  end
  local version = packed(unpacked(commit.base) + 1)
  standing[record_key(commit.account, commit.kept)] = { version = version, works = commit.forgets and {} or works }
  return true
end

-- 'applied' when nothing stands against the part of this home.
local function looked()
  local seen, have_several = {}, false
  for _, commit in ipairs(commits) do
    local who = commit.account .. '\0' .. commit.known
    if seen[who] then
      have_several = true
    else
      local verdict, id = look(commit)
      if verdict ~= 'applied' then
        return verdict
      end
      have_several = have_several or (id and seen[id])
      seen[who] = true
      seen[id or who] = true
    end
    if not fits(commit.increments) then
      return nil, 'a counter would pass its edge'
    end
  end
  for _, note in ipairs(notes) do
    if not is_current(note) then
      return 'stale'
    end
  end
  if have_several then
    for _, commit in ipairs(commits) do
      if not follows(commit) then
        return nil, 'a commit of a bulk is at odds with one before it'
      end
    end
  end
  return 'applied'
end

if step == 'look' then
  local verdict, fault = looked()
  if fault then
    return redis.error_reply(fault)
  end
  if verdict == 'applied' then
    redis.call('SET', key('lock'), bulk .. decimal(now_ms()))
  end
  return { verdict }
end

-- A home that forgot its lock may have let others in, so it is looked at once more. Another bulk that looked at it
-- meanwhile does the same when it finds its lock gone.
if not is_ours and looked() ~= 'applied' then
  return ended('stale')
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
redis.call('DEL', key('lock'))
return ended('applied')
