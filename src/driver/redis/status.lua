-- The pool as it is stored; changes nothing.
local stored = redis.call('HMGET', KEYS[1], 'config', 'lineage', 'epoch', 'view_id', 'clock',
                          'barrier_until', 'settled')
if redis.call('EXISTS', KEYS[1]) == 0 then return {'none'} end
for index = 1, 7 do
  if not stored[index] then return {'corrupt', 'a field of the pool is missing'} end
end
return {'ok', stored[1], stored[2], stored[3], stored[4], stored[5], stored[6], stored[7],
        redis.call('HGETALL', KEYS[2]), redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES'),
        redis.call('HGETALL', KEYS[4]), redis.call('HGETALL', KEYS[5]), redis.call('SMEMBERS', KEYS[6])}
