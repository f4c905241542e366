-- Counters. A run is a hash of a metric's neighbouring cells, all dimensions beside each other; an index by first
-- coordinate names the runs of a metric.

-- Adds all of it or nothing: a sum past the edge is found here, before anything else is written.
local function count(increments)
  for n, it in ipairs(increments) do
    local index, member, a, field, by = it[1], it[2], it[3], it[4], it[5]
    local run = key('run', index .. ':' .. member)
    local sum, fault = add(run, field, by)
    if fault then
      for undone = n - 1, 1, -1 do
        local was = increments[undone]
        local minus = string.sub(was[5], 1, 1) == '-' and string.sub(was[5], 2) or '-' .. was[5]
        add(key('run', was[1] .. ':' .. was[2]), was[4], minus)
      end
      return fault
    end
    if sum == 0 then
      if redis.call('EXISTS', run) == 0 then
        redis.call('ZREM', key('runs', index), member)
      end
    elseif sum == tonumber(by) then
      redis.call('ZADD', key('runs', index), a, member)
    end
  end
end

-- Late changes by the day they arrived.
local function journal(account, entries)
  for _, it in ipairs(entries) do
    local arrived, field, by = it[1], it[2], it[3]
    local day = key('late', account .. '\0' .. arrived)
    local sum = add(day, field, by)
    if sum == 0 and redis.call('EXISTS', day) == 0 then
      redis.call('ZREM', key('lates', account), arrived)
    elseif sum == tonumber(by) then
      redis.call('ZADD', key('lates', account), arrived, arrived)
    end
  end
end
