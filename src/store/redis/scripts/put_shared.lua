local in_the_way = busy()
if in_the_way then
  return in_the_way
end
local note = read_notes()[1]
if not is_current(note) then
  return { 'stale' }
end
put_note(note)
return { 'applied' }
