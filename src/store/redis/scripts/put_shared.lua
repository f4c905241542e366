local lock = redis.call('GET', key('lock'))
if lock then
  return { 'busy', lock }
end
local note = read_notes()[1]
if not is_current(note) then
  return { 'stale' }
end
put_note(note)
return { 'applied' }
