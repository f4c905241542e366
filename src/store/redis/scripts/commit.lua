local lock = redis.call('GET', key('lock'))
if lock then
  return { 'busy', lock }
end
local commit = read_commit()
local verdict = look(commit)
if verdict == 'applied' then
  local fault = put(commit)
  if fault then
    return fault
  end
end
return { verdict }
