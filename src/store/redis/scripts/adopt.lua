-- Takes in what is moved here from another store. A mark says how far this home has got with a step of the copy; what lies
-- before it is here already. Places and marks have one length, so that they compare like numbers.
local account, step = arg(), arg()
local field = account .. '\0' .. step
local mark = redis.call('HGET', key('moving'), field) or ''
local before = mark

local function record_of(name)
  return record_key(account, name)
end

local function adopt_record()
  local place, name, version, record, left = arg(), arg(), arg(), arg(), arg()
  local works = list(4)
  if place <= before then
    return
  end
  local id = redis.call('INCR', key('last_id'))
  local at, spot = chunk(id)
  redis.call('HSET', key('names', at), spot, account .. '\0' .. name)
  redis.call('SET', record_of(name), version .. packed(id) .. record)
  if left ~= '' then
    redis.call('ZADD', key('left', account), left, decimal(id))
  end
  for _, it in ipairs(works) do
    local seq = redis.call('INCR', key('last_work'))
    redis.call('HSET', key('work', decimal(id)), it[1], packed(seq) .. it[3] .. it[4])
    redis.call('ZADD', key('due'), it[2], due_member(seq, id, it[1]))
  end
  -- Of somebody of whom nothing is kept: whoever comes back begins above that version.
  if string.sub(name, 1, 1) == '!' then
    local floor = tonumber(redis.call('GET', key('forgotten')) or '0')
    if unpacked(version) > floor then
      redis.call('SET', key('forgotten'), decimal(unpacked(version)))
    end
  end
  mark = place
end

local function adopt_fact()
  local place, name, words, body = arg(), arg(), arg(), arg()
  if place <= before then
    return
  end
  local head = redis.call('GETRANGE', record_of(name), 8, 15)
  if #head < 8 then
    error('a fact of a record that is not here')
  end
  local seq = redis.call('INCR', key('last_seq'))
  write_fact(account, seq, head .. body)
  if words == '1' then
    redis.call('SADD', key('words', decimal(unpacked(head))), decimal(seq))
  end
  mark = place
end

if step == 'records' or step == 'facts' then
  for _ = 1, number() do
    if step == 'records' then
      adopt_record()
    else
      adopt_fact()
    end
  end
else
  local place = arg()
  local increments, late, residue, entries, shared = list(5), list(3), list(2), list(5), list(4)
  if place <= before then
    return { 'applied' }
  end
  mark = place
  local fault = count(increments)
  if fault then
    return fault
  end
  journal(account, late)
  for _, it in ipairs(residue) do
    local _, full = add(key('residue', account), it[1], it[2])
    if full then
      return full
    end
  end
  for _, entry in ipairs(entries) do
    set_aside(entry)
  end
  for _, it in ipairs(shared) do
    redis.call('HSET', key('shared', account .. '\0' .. it[1]), it[2], it[3] .. it[4])
  end
end
if mark ~= before then
  redis.call('HSET', key('moving'), field, mark)
end
return { 'applied' }
