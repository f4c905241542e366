local in_the_way = busy()
if in_the_way then
  return in_the_way
end
-- Of one of whom nothing is kept no version tells that it was applied.
local once = arg()
local commit = read_commit()
local verdict = look(commit)
if verdict == 'applied' and not was_done(once) then
  local fault = put(commit)
  if fault then
    return fault
  end
end
return { verdict }
