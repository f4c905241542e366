-- What a store is made with is settled by the first who opens it.
for _, it in ipairs(list(2)) do
  redis.call('HSETNX', key('meta'), it[1], it[2])
end
return redis.call('HGETALL', key('meta'))
