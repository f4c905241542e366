-- Records of an account that belong to no single customer, and deliveries that could not be used.

local NEVER = string.rep('\0', 8)

local function read_notes()
  return list(5)
end

local function version_of(account, kind, part)
  local kept = redis.call('HGET', key('shared', account .. '\0' .. kind), part)
  return kept and string.sub(kept, 1, 8) or NEVER
end

local function is_current(note)
  local account, kind, part, base, change = note[1], note[2], note[3], note[4], note[5]
  return version_of(account, kind, part) == base and not (base == NEVER and change == '')
end

-- What changes is one byte and then the body; nothing takes the record away.
local function put_note(note)
  local account, kind, part, base, change = note[1], note[2], note[3], note[4], note[5]
  local records = key('shared', account .. '\0' .. kind)
  if change == '' then
    redis.call('HDEL', records, part)
  else
    redis.call('HSET', records, part, packed(unpacked(base) + 1) .. string.sub(change, 2))
  end
end

local function set_aside(entry)
  local account, arrived, reason, body, most = entry[1], entry[2], entry[3], entry[4], entry[5]
  local last = redis.call('INCR', key('aside_last', account))
  redis.call('HSET', key('aside', account), decimal(last), arrived .. ':' .. reason .. ':' .. body)
  if last > tonumber(most) then
    redis.call('HDEL', key('aside', account), decimal(last - tonumber(most)))
  end
end
