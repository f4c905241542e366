-- One home: everything of one partition, under one hash tag, so on one node. `keys.rs` builds the same names.
local home = KEYS[1]

local function key(kind, rest)
  return home .. ':' .. kind .. ':' .. (rest or '')
end

local next_arg = 0
local function arg()
  next_arg = next_arg + 1
  return ARGV[next_arg]
end

local function number()
  return tonumber(arg())
end

local function list(fields)
  local all = {}
  for n = 1, number() do
    local one = {}
    for field = 1, fields do
      one[field] = arg()
    end
    all[n] = one
  end
  return all
end

-- Numbers stand in values as 8 bytes, the highest first. They stay below 2^53, where Lua counts exactly.
local function packed(n)
  return struct.pack('>I8', n)
end

local function unpacked(bytes)
  return (struct.unpack('>I8', bytes))
end

-- What belongs together in small hashes, which Redis keeps without a word of overhead for each field.
local TOGETHER = 64

local function chunk(n)
  return string.format('%d', math.floor(n / TOGETHER)), string.format('%d', n % TOGETHER)
end

local function name_of(id)
  local at, place = chunk(id)
  return redis.call('HGET', key('names', at), place)
end

local function decimal(n)
  return string.format('%.0f', n)
end

-- Adds to a cell of a hash, and takes it away when it comes to nothing; the answer is whether the hash began or ended,
-- or the fault.
local function add(hash, field, by)
  local sum = redis.pcall('HINCRBY', hash, field, by)
  if type(sum) == 'table' then
    return nil, sum
  end
  if sum == 0 then
    redis.call('HDEL', hash, field)
  end
  return sum
end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Whether a bulk keeps this home, and for how long already, by the clock of the server that saw it begin.
local function busy()
  local lock = redis.call('GET', key('lock'))
  return lock and { 'busy', lock, decimal(now_ms() - tonumber(string.sub(lock, 33))) }
end

-- What was asked with this id before is not done again: a request may be sent twice.
local ONCE_SECS = 3600
local function was_done(once)
  return once ~= '' and redis.call('SET', key('once', once), '1', 'NX', 'EX', ONCE_SECS) == false
end
