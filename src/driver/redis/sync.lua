-- One heartbeat: rules R1 to R6 of docs/protocol.md, reply by reply equal to apply_sync in
-- src/core/view_store.cpp. Everything is read and decided before the first write, so that a refused request
-- leaves the store as it was. Numbers are below 2^53 and travel as decimal texts.
--
-- pool    hash: config, lineage, epoch, view_id, run_id, clock, last_time, barrier_until, settled; the counts
--         size (members), acked (members that have acknowledged the view), holders (that hold jobs), drains,
--         since (when the view was made, on the pool clock)
-- members hash: id -> record
-- leases  sorted set: ids by the end of their lease on the pool's clock, in microseconds
-- seen    hash: id -> "<sequence> <view id acknowledged, or ->": a new view voids all acknowledgements
-- holds   hash: id -> jobs, one a line, only of members that hold some
-- drains  set of ids asked to drain
-- waiting hash: id -> "<sequence> <end of lease> <record>" of newcomers, admitted with the next view
-- steps   list, newest first: "<view id> <epoch and view id of the view before>", then a line for each node
--         that is gone ("-<id>") or new or changed ("+<record>")
local pool_key, members_key, leases_key, seen_key, holds_key, drains_key, waiting_key, steps_key =
    KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local config, id, record, intent = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local known = {lineage = ARGV[5], epoch = tonumber(ARGV[6]), view_id = ARGV[7]}
local held, sequence, nonce, run_id, channel = ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local leaving = intent == 'leaving'
-- As in include/nodepool/view_store.hpp; tests may dictate the first.
local batches_from, max_steps, max_step_bytes, max_hint_jobs = tonumber(ARGV[14]) or 16, 64, 65536, 64

local function text(number) return string.format('%.0f', number) end

local function parse_config(line)
  local heartbeat, lease =
      string.match(line, '^protocol=%d+ hash=%S+ points=%d+ heartbeat_ms=(%d+) lease_ms=(%d+)$')
  if not heartbeat then return nil end
  return tonumber(heartbeat) * 1000, tonumber(lease) * 1000
end

-- True if the decimal text `left` is at most `right`; exact for any length.
local function at_most(left, right)
  if #left ~= #right then return #left < #right end
  return left <= right
end

local function lines(joined)
  local set = {}
  for line in string.gmatch(joined, '[^\n]+') do set[line] = true end
  return set
end

-- The server's time in microseconds; tests may dictate it.
local time = tonumber(ARGV[13])
if not time then
  local now = redis.call('TIME')
  time = tonumber(now[1]) * 1000000 + tonumber(now[2])
end

-- What is stored: no more is asked than a quiet heartbeat needs. Each key is asked for before it is written,
-- so that a foreign type fails while nothing is half-applied.
local stored = redis.call('HMGET', pool_key, 'config', 'lineage', 'epoch', 'view_id', 'run_id', 'clock',
                          'last_time', 'barrier_until', 'settled', 'size', 'acked', 'holders', 'drains',
                          'since')
local parts = {members = redis.call('HLEN', members_key), leases = redis.call('ZCARD', leases_key),
               seen = redis.call('HLEN', seen_key), holds = redis.call('HLEN', holds_key),
               drains = redis.call('SCARD', drains_key)}
local my_record = redis.call('HGET', members_key, id)
local my_seen = redis.call('HGET', seen_key, id)
local my_holds, drain_requested = '', 0
if parts.holds > 0 then my_holds = redis.call('HGET', holds_key, id) or '' end
if parts.drains > 0 then drain_requested = redis.call('SISMEMBER', drains_key, id) end
local my_wait = not my_record and redis.call('HGET', waiting_key, id)
-- The two leases that end next, with their ends: one of them is another member's.
local next_leases = redis.call('ZRANGE', leases_key, 0, 1, 'WITHSCORES')

local fresh = not stored[1] and redis.call('EXISTS', pool_key) == 0
if fresh and leaving then return {'none'} end
local heartbeat, lease = parse_config(config)
local wanted_lease = lease
local state
if fresh then
  state = {config = config, lineage = nonce, epoch = math.floor(time / 1000), view_id = '', clock = 0,
           last_time = time, barrier_until = 0, settled = '0', size = 0, acked = 0, holders = 0, drains = 0,
           since = 0}
else
  for index = 1, 14 do
    if not stored[index] then return {'corrupt', 'a field of the pool is missing'} end
  end
  state = {config = stored[1], lineage = stored[2], epoch = tonumber(stored[3]), view_id = stored[4],
           run_id = stored[5], clock = tonumber(stored[6]), last_time = tonumber(stored[7]),
           barrier_until = tonumber(stored[8]), settled = stored[9], size = tonumber(stored[10]),
           acked = tonumber(stored[11]), holders = tonumber(stored[12]), drains = tonumber(stored[13]),
           since = tonumber(stored[14])}
  heartbeat, lease = parse_config(state.config)
  if not (heartbeat and state.epoch and state.clock and state.last_time and state.barrier_until and
          state.size and state.acked and state.holders and state.drains and state.since) then
    return {'corrupt', 'a field of the pool is unreadable'}
  end
end

-- The parts must agree. Where they do not, writes were lost (a key deleted or evicted), and the members with
-- them.
local my_sequence, my_ack
if my_seen then my_sequence, my_ack = string.match(my_seen, '^(%d+) (.*)$') end
local member = my_record and my_sequence
local lost = fresh or parts.members ~= state.size or parts.leases ~= state.size or parts.seen ~= state.size or
    parts.holds ~= state.holders or parts.drains ~= state.drains or
    (not member and (my_record or my_seen))
if lost then
  member, my_holds, drain_requested, my_wait = nil, '', 0, nil
  state.size, state.acked, state.holders, state.drains = 0, 0, 0, 0
end

-- R1
local clock = state.clock + math.max(0, math.min(time - state.last_time, heartbeat * 1.25))

-- Requests that must not touch anything.
local other_config = state.config ~= config
if other_config and not lost and redis.call('ZCOUNT', leases_key, '(' .. text(clock), '+inf') > 0 then
  return {'mismatch', state.config}
end
local newest = member and my_sequence or my_wait and string.match(my_wait, '^(%d+) ')
if newest and at_most(sequence, newest) then return {'late', newest} end

local gone, present, joined = {}, {}, {}  -- ids; records; of who waited: id -> {record, sequence, lease}
local size, changed = state.size, false

-- R2. Not the caller: nobody has taken over from it, and it is alive.
local function evict()
  if lost or not next_leases[1] or tonumber(next_leases[2]) > clock then return end
  for _, each in ipairs(redis.call('ZRANGEBYSCORE', leases_key, '-inf', text(clock))) do
    if each ~= id then gone[#gone + 1], size, changed = each, size - 1, true end
  end
end
-- Evictions and admissions of a large pool wait for each other while a young view settles; any new view takes
-- along all who are late and all who wait.
local batch_left = state.since + heartbeat / 4 - clock
local batch_is_due = state.size < batches_from or state.settled == '1' or batch_left <= 0
if batch_is_due then evict() end

-- R3
local ancestor = known.lineage == '' or (known.lineage == state.lineage and known.epoch <= state.epoch and
    (known.epoch ~= state.epoch or known.view_id == state.view_id))
if lost or not ancestor or state.run_id ~= run_id then
  state.barrier_until = math.max(state.barrier_until, clock + math.max(lease, wanted_lease))
  changed = true
end
if other_config then
  heartbeat, lease = parse_config(config)
  changed = true
end

-- Who comes and goes
local newcomer = not leaving and not member
if leaving then
  if member then gone[#gone + 1], size, changed = id, size - 1, true end
  drain_requested = 0
elseif member and my_record ~= record then
  present[1], changed = record, true
end
if changed and not batch_is_due then evict() end
local admits = changed or newcomer and batch_is_due
if admits and not lost and not other_config then
  local others = redis.call('HGETALL', waiting_key)
  for index = 1, #others, 2 do
    local its_sequence, its_lease, its_record = string.match(others[index + 1], '^(%d+) (%d+) (.*)$')
    if its_sequence and others[index] ~= id and tonumber(its_lease) > clock then
      joined[others[index]] = {its_record, its_sequence, text(math.min(tonumber(its_lease), clock + lease))}
      present[#present + 1] = its_record
      size, changed = size + 1, true
    end
  end
end
if newcomer and admits then
  present[#present + 1], size, changed = record, size + 1, true
end
local waits = newcomer and not admits

-- R4, R5, R6
local acked, hints = state.acked, {}
local base, step = {epoch = text(state.epoch), view_id = state.view_id}, nil
local steps = 0
if changed then
  steps = redis.call('LLEN', steps_key)  -- fails here, before any write, where the key holds a foreign type
  state.epoch = math.max(state.epoch, known.epoch, math.floor(time / 1000)) + 1
  state.view_id, state.settled, state.since = nonce, '0', clock
  acked, batch_left = 0, heartbeat / 4
  if not lost then
    local lines_of_step = {}
    for _, each in ipairs(gone) do lines_of_step[#lines_of_step + 1] = '-' .. each end
    for _, each in ipairs(present) do lines_of_step[#lines_of_step + 1] = '+' .. each end
    step = table.concat(lines_of_step, '\n')
    if #step >= max_step_bytes then step = nil end
  end
  hints[#hints + 1] = {'view', step and ' ' .. state.lineage .. ' ' .. nonce .. ' ' .. base.epoch .. ' ' ..
                       base.view_id .. '\n' .. step or ''}
end
local same_view = known.lineage == state.lineage and known.epoch == state.epoch and
    known.view_id == state.view_id
local ack, released = '-', false
if not leaving and not waits then
  if member and my_ack == state.view_id then
    ack = my_ack
  elseif same_view then
    ack, acked = state.view_id, acked + 1
  end
  if member and my_holds ~= held then
    local now_held = lines(held)
    for job in string.gmatch(my_holds, '[^\n]+') do
      released = released or not now_held[job]
    end
  end
end
local settled = '0'
if clock >= state.barrier_until and acked == size then settled = '1' end
local kind = settled == '1' and (state.settled == '0' and 'settled' or released and 'release')
if kind then
  -- All jobs that are held once this script has ended. Told only of a settled view: before, a member may not
  -- have told its holds, and who heard of it later would take its jobs for free.
  local jobs, names = {}, {}
  local function add(joined_jobs)
    for job in string.gmatch(joined_jobs, '[^\n]+') do jobs[job] = true end
  end
  if state.holders > 0 then
    local all, without = redis.call('HGETALL', holds_key), {[id] = true}
    for _, each in ipairs(gone) do without[each] = true end
    for index = 1, #all, 2 do
      if not without[all[index]] then add(all[index + 1]) end
    end
  end
  if member and not leaving then add(held) end
  for job in pairs(jobs) do names[#names + 1] = job end
  table.sort(names)
  local detail = ''
  if #names <= max_hint_jobs then
    detail = ' ' .. state.lineage .. ' ' .. state.view_id .. '\n' .. table.concat(names, '\n')
  end
  hints[#hints + 1] = {kind, detail}
end

-- Told first: nobody can act on it before this script has ended, and a user who may not publish changes
-- nothing. Before that, a write that changes nothing: a server that refuses writes (too few replicas, no
-- memory left) must not tell of a view that will never be.
if #hints > 0 then
  redis.call('HSET', pool_key, 'telling', '1')
  redis.call('HDEL', pool_key, 'telling')
end
for _, hint in ipairs(hints) do
  redis.call('PUBLISH', channel, hint[1] .. ' ' .. text(state.epoch) .. ' ' .. id .. hint[2])
end

-- Before the members: a user without the rights for lists is refused here, and a step of a view that never
-- came leads nowhere.
if changed then
  if step then
    redis.call('LPUSH', steps_key, nonce .. ' ' .. base.epoch .. ' ' .. base.view_id .. '\n' .. step)
    if steps >= max_steps then redis.call('LTRIM', steps_key, 0, max_steps - 1) end
  else
    redis.call('DEL', steps_key)
  end
end

local holders, drains = state.holders, state.drains
if lost then redis.call('DEL', members_key, leases_key, seen_key, holds_key, drains_key) end
if lost or admits or other_config then redis.call('DEL', waiting_key) end
for first = 1, #gone, 1000 do
  local some = {unpack(gone, first, math.min(first + 999, #gone))}
  redis.call('ZREM', leases_key, unpack(some))
  redis.call('HDEL', members_key, unpack(some))
  redis.call('HDEL', seen_key, unpack(some))
  if holders > 0 then holders = holders - redis.call('HDEL', holds_key, unpack(some)) end
  if drains > 0 then drains = drains - redis.call('SREM', drains_key, unpack(some)) end
end
for each, node in pairs(joined) do
  redis.call('HSET', members_key, each, node[1])
  redis.call('ZADD', leases_key, node[3], each)
  redis.call('HSET', seen_key, each, node[2] .. ' -')
end
if leaving then
  if my_wait then redis.call('HDEL', waiting_key, id) end
elseif waits then
  redis.call('HSET', waiting_key, id, sequence .. ' ' .. text(clock + lease) .. ' ' .. record)
else
  if not member or my_record ~= record then redis.call('HSET', members_key, id, record) end
  redis.call('ZADD', leases_key, text(clock + lease), id)
  redis.call('HSET', seen_key, id, sequence .. ' ' .. ack)
  if member and my_holds ~= held then
    if held == '' then
      holders = holders - redis.call('HDEL', holds_key, id)
    else
      holders = holders + redis.call('HSET', holds_key, id, held)
    end
  end
end

local update = {'clock', text(clock), 'last_time', text(time)}
local function set(field, value)
  update[#update + 1] = field
  update[#update + 1] = value
end
if changed then
  set('config', config)
  set('lineage', state.lineage)
  set('epoch', text(state.epoch))
  set('view_id', state.view_id)
  set('run_id', run_id)
  set('barrier_until', text(state.barrier_until))
  set('since', text(state.since))
end
if fresh or lost or size ~= state.size then set('size', text(size)) end
if changed or acked ~= state.acked then set('acked', text(acked)) end
if fresh or lost or holders ~= state.holders then set('holders', text(holders)) end
if fresh or lost or drains ~= state.drains then set('drains', text(drains)) end
if changed or settled ~= state.settled then set('settled', settled) end
redis.call('HSET', pool_key, unpack(update))

local barrier_left = math.max(0, state.barrier_until - clock)
local next_batch = settled == '1' and 0 or batch_left
local look = math.huge
if changed then next_leases = redis.call('ZRANGE', leases_key, 0, 1, 'WITHSCORES') end
for index = 1, #next_leases, 2 do
  if next_leases[index] ~= id then look = math.min(look, tonumber(next_leases[index + 1]) - clock) end
end
if waits or look <= 0 then look = next_batch end
if barrier_left > 0 and not waits then look = math.min(look, barrier_left) end
local look_text = ''
if look <= heartbeat then look_text = text(look) end

-- The steps from the view that the caller knows, newest first; nil where they are not remembered.
local function steps_since(view)
  if view.lineage ~= state.lineage then return nil end
  local found, expected = {}, state.view_id
  for index = 0, max_steps - 1 do
    local each = redis.call('LINDEX', steps_key, index)
    if not each then return nil end
    local view_id, epoch, before = string.match(each, '^(%S+) (%d+) (%S+)\n')
    if view_id ~= expected then return nil end
    found[#found + 1] = each
    if before == view.view_id and tonumber(epoch) == view.epoch then return found end
    expected = before
  end
end

local records, since_known, holds = false, false, {}
if not same_view and not waits then
  since_known = steps_since(known) or false
  if not since_known then records = redis.call('HVALS', members_key) end
end
if holders > 0 and not waits then holds = redis.call('HGETALL', holds_key) end
return {'ok', state.lineage, text(state.epoch), state.view_id, settled, text(barrier_left), look_text,
        text(clock), text(drain_requested), holds, records, since_known, waits and '1' or '0'}
