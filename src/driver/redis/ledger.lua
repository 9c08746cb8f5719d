-- The ledger: one versioned record for each job, and its history (include/nodepool/ledger.hpp). Everything is
-- read and decided before the first write, and the record is written last: a step that the server refuses
-- half way has at most added an entry.
--
-- records hash: job -> "<version> <value>"; the field '', which no job has, -> the greatest version erased
-- history list of the job's entries, newest first
--
-- Every call writes, so that a replica refuses it, and so that a wait for the replicas behind it confirms
-- what it has read: with `confirmed` a write that they get, else one that is none. (Today's servers confirm
-- more than the writes of the connection that waits, but do not promise it.)
local records_key, history_key = KEYS[1], KEYS[2]
local verb, confirmed, job = ARGV[1], ARGV[2] == '1', ARGV[3]

local function erased() return tonumber(redis.call('HGET', records_key, '') or '0') end

local function touch()
  if confirmed then
    redis.call('HSET', records_key, '', string.format('%.0f', erased()))
  else
    redis.call('HDEL', records_key, '\n')
  end
end

-- Version and value; '0' if there is no record, nil if it is none of ours.
local function record()
  local stored = redis.call('HGET', records_key, job)
  if not stored then return '0', '' end
  local version = string.match(stored, '^(%d+) ')
  if not version then return nil end
  return version, string.sub(stored, #version + 2)
end

local verbs = {}

function verbs.read(version, value)
  touch()
  return {'is', version, value}
end

function verbs.write(version, value)
  local expected, new_value, entry, keep = ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7])
  redis.call('LLEN', history_key)
  if version ~= expected then return verbs.read(version, value) end
  local last = version == '0' and erased() or tonumber(version)
  local time = redis.call('TIME')
  local new_version = math.max(last + 1, time[1] * 1000000 + time[2])
  if entry ~= '' then
    redis.call('LPUSH', history_key, entry)
    if keep > 0 then
      redis.call('LTRIM', history_key, 0, keep - 1)
    else
      redis.call('DEL', history_key)
    end
  end
  local text = string.format('%.0f', new_version)
  redis.call('HSET', records_key, job, text .. ' ' .. new_value)
  return {'done', text}
end

function verbs.erase(version, value)
  redis.call('LLEN', history_key)
  if version == '0' or version ~= ARGV[4] then return verbs.read(version, value) end
  redis.call('HSET', records_key, '', string.format('%.0f', math.max(erased(), tonumber(version))))
  redis.call('DEL', history_key)
  redis.call('HDEL', records_key, job)
  return {'done', version}
end

function verbs.history()
  touch()
  return {'entries', redis.call('LRANGE', history_key, 0, tonumber(ARGV[4]) - 1)}
end

-- A page of all records; the last one has the cursor '0'.
function verbs.page()
  local page = redis.call('HSCAN', records_key, ARGV[4], 'COUNT', ARGV[5])
  touch()
  return {'page', page[1], page[2]}
end

if verb == 'history' or verb == 'page' then return verbs[verb]() end
local version, value = record()
if not version then return {'corrupt', 'the record of a job'} end
return verbs[verb](version, value)
