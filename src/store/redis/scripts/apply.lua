-- One commit: looked at first, written last, so that it may be sent twice.

local function read_commit()
  return {
    account = arg(),
    known = arg(),
    tombstone = arg(),
    kept = arg(),
    base = arg(),
    record = arg(),
    said = arg(),
    left = arg(),
    forgets = arg() == '1',
    increments = list(5),
    late = list(3),
    facts = list(2),
    bare = list(2),
    settled = list(1),
    spent = list(1),
    outbox = list(3),
  }
end

local function record_key(account, name)
  return key('record', account .. '\0' .. name)
end

-- What was last said is kept apart from the record, for longer than the platform repeats a delivery.
local SAID_SECS = 60
local function said_key(account, name)
  return key('said', account .. '\0' .. name)
end

-- What no record knows is known for longer than a journal may bring it again.
local SPENT_SECS = 90000
local function spend(account, deliveries)
  for _, delivery in ipairs(deliveries) do
    redis.call('SET', key('spent', account .. '\0' .. delivery[1]), '1', 'EX', SPENT_SECS)
  end
end

-- Under which of its names the customer is kept, its version, and its number.
local function find(account, known, tombstone)
  for _, name in ipairs({ known, tombstone }) do
    if name ~= '' or name == known then
      local head = redis.call('GETRANGE', record_key(account, name), 0, 15)
      if #head == 16 then
        return name, string.sub(head, 1, 8), unpacked(string.sub(head, 9, 16))
      end
    end
  end
  return nil, string.rep('\0', 8), nil
end

-- 'applied' when nothing stands against it, and its number.
local function look(commit)
  local name, version, id = find(commit.account, commit.known, commit.tombstone)
  for _, settled in ipairs(commit.settled) do
    if not id or redis.call('HEXISTS', key('work', decimal(id)), settled[1]) == 0 then
      return 'settled'
    end
  end
  if version ~= commit.base then
    return 'stale'
  end
  -- Of whom nothing was kept before and nothing is kept now, no version tells that this was applied.
  local own = commit.spent[#commit.spent]
  if not id and own and redis.call('EXISTS', key('spent', commit.account .. '\0' .. own[1])) == 1 then
    return 'stale'
  end
  return 'applied', id
end

local function due_member(seq, id, work)
  return string.format('%016.0f:%.0f:%s', seq, id, work)
end

local function drop_work(id, work)
  local kept = redis.call('HGET', key('work', decimal(id)), work)
  if kept then
    redis.call('ZREM', key('due'), due_member(unpacked(kept), id, work))
    redis.call('HDEL', key('work', decimal(id)), work)
  end
end

local function bury(id)
  for _, work in ipairs(redis.call('HKEYS', key('work', decimal(id)))) do
    drop_work(id, work)
  end
  redis.call('DEL', key('words', decimal(id)))
end

local function write_fact(account, seq, body)
  local at, place = chunk(seq)
  redis.call('HSET', key('log', account .. '\0' .. at), place, body)
end

local function put(commit)
  local fault = count(commit.increments)
  if fault then
    return fault
  end
  local account = commit.account
  local name, before, id = find(account, commit.known, commit.tombstone)
  local version = unpacked(before) + 1
  if not id then
    id = redis.call('INCR', key('last_id'))
    -- Versions of a record that begins anew are none that a forgotten one had.
    version = tonumber(redis.call('GET', key('forgotten')) or '0') + 1
  end
  journal(account, commit.late)
  if name and name ~= commit.kept then
    redis.call('DEL', record_key(account, name), said_key(account, name))
  end
  if name ~= commit.kept then
    local at, place = chunk(id)
    redis.call('HSET', key('names', at), place, account .. '\0' .. commit.kept)
  end
  redis.call('SET', record_key(account, commit.kept), packed(version) .. packed(id) .. commit.record)
  if commit.said ~= '' then
    redis.call('SET', said_key(account, commit.kept), packed(version) .. commit.said, 'EX', SAID_SECS)
  end
  if #commit.facts > 0 then
    local last = redis.call('INCRBY', key('last_seq'), #commit.facts)
    for n, it in ipairs(commit.facts) do
      local seq = last - #commit.facts + n
      write_fact(account, seq, packed(id) .. it[2])
      if it[1] == '1' then
        redis.call('SADD', key('words', decimal(id)), decimal(seq))
      end
    end
  end
  for _, settled in ipairs(commit.settled) do
    drop_work(id, settled[1])
  end
  for _, it in ipairs(commit.outbox) do
    local work, due, body = it[1], it[2], it[3]
    if redis.call('HEXISTS', key('work', decimal(id)), work) == 0 then
      local seq = redis.call('INCR', key('last_work'))
      redis.call('HSET', key('work', decimal(id)), work, packed(seq) .. struct.pack('>I4', 0) .. body)
      redis.call('ZADD', key('due'), due, due_member(seq, id, work))
    end
  end
  if commit.forgets then
    for _, it in ipairs(commit.bare) do
      write_fact(account, tonumber(it[1]), packed(id) .. it[2])
    end
    bury(id)
    if commit.tombstone == '' or commit.kept ~= commit.tombstone then
      local floor = tonumber(redis.call('GET', key('forgotten')) or '0')
      if version > floor then
        redis.call('SET', key('forgotten'), decimal(version))
      end
    end
  end
  spend(account, commit.spent)
  if commit.left == '' then
    redis.call('ZREM', key('left', account), decimal(id))
  else
    redis.call('ZADD', key('left', account), commit.left, decimal(id))
  end
end
