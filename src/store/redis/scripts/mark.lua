-- What stands here about a process' journal, and which server says so. Moved when it still is as the process knows it.
local KEPT_SECS = 172800
local function server()
  -- One that was another one's replica for a while is the same, and knows what the other knew.
  local runs = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  return runs .. ':' .. string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
end

local name, known, known_server, moved = arg(), arg(), arg(), arg()
local found, by = redis.call('GET', key('mark', name)) or '', server()
if moved ~= '' and found == known and by == known_server then
  redis.call('SET', key('mark', name), moved, 'EX', KEPT_SECS)
  found = moved
end
return { found, by }
