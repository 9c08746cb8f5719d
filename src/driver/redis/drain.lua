-- Asks a member to drain: equal to apply_drain_request in src/core/view_store.cpp.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
redis.call('SCARD', KEYS[6])
if not epoch or redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return {'none'} end
redis.call('PUBLISH', ARGV[2], 'drain ' .. epoch .. ' ' .. ARGV[1])
redis.call('HINCRBY', KEYS[1], 'drains', redis.call('SADD', KEYS[6], ARGV[1]))
return {'ok'}
