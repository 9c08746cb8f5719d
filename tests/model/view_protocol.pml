/*
 * The view protocol of docs/protocol.md: three nodes, two jobs, one store. What is abstracted, why that is
 * sound, and the names of all this in the code: README.md.
 *
 * Bounds (-D):  FAULTS  crashes, drains, failovers, losses of all data, together
 *               SLIPS   replies that do not come at once (or never), late requests, leases that end, together
 *               CLAIMS  claims taken in one run (255: any number)
 *               ONLY_FAILOVERS  all faults are failovers
 * Checks:       P1 and P2 always; PROGRESS: every run ends, and ends well; TOKENS: P5
 * Mutants:      NO_INTERSECTION NO_BARRIER_FAILOVER NO_BARRIER_EMPTY NO_VIEW_ID HOLDS_DROPPED NO_SEQUENCE
 *               LATE_REPLY_RENEWS NO_FENCE_ON_WAKING EARLY_RELEASES; with TOKENS: NO_TIME_IN_EPOCH
 */
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef SLIPS
#define SLIPS 1
#endif
#ifndef CLAIMS
#define CLAIMS 255
#endif

#define NODES 3
#define JOBS 2
#define IDS 11 /* a view is named in at most 11 places at once: 3 nodes, 6 messages, store, replica */
#define UNLIMITED 255

#define BIT(i) (1 << (i))
#define HAS(mask, i) (((mask) >> (i)) & 1)

/* The ring. Job 0 prefers the nodes 0, 1, 2; job 1 prefers 2, 1, 0. BEFORE: who comes before the node. */
#define BEFORE_0(i) (BIT(i) - 1)
#define BEFORE_1(i) (7 & ~(2 * BIT(i) - 1))
#define ON_RING(v) (view_members[v] & ~view_draining[v])
#define OWNED(v, i) \
  (HAS(ON_RING(v), i) * (((ON_RING(v) & BEFORE_0(i)) == 0) + 2 * ((ON_RING(v) & BEFORE_1(i)) == 0)))

/* Views. The number of a view is its view id: unique while anything names it. 0: none. */
byte view_members[IDS + 2], view_draining[IDS + 2], view_epoch[IDS + 2], view_lineage[IDS + 2];
/* What hints have told of the view, and anybody may still hear: CERTIFIED if it has settled, and jobs that
   some list of held jobs left out. */
byte view_told[IDS + 2];
#define CERTIFIED BIT(JOBS)
#define TOLD_FREE(v) ((view_told[v] >= CERTIFIED) * (view_told[v] & (CERTIFIED - 1)))
#ifdef NO_VIEW_ID
#define SAME(v, w) \
  ((v) == (w) ||   \
   ((v) && (w) && view_epoch[v] == view_epoch[w] && view_lineage[v] == view_lineage[w]))
#else
#define SAME(v, w) ((v) == (w))
#endif
/* R3: the known view is an ancestor of the stored one, or the stored one itself. */
#define ANCESTOR(v, w) \
  ((v) == 0 || SAME(v, w) || (view_lineage[v] == view_lineage[w] && view_epoch[v] < view_epoch[w]))

/* The nodes. A mask has a bit for each node; granted and claims have one for each job. */
byte up, draining;
byte lease;     /* who holds a lease at this instant */
byte lease_old; /* whose lease is from before the barrier */
byte known[NODES], granted[NODES], claims[NODES];
#define HELD(i) (claims[i] & ~OWNED(known[i], i))

/* The network: each node's reply under way, and one request that it has given up but still travels. */
#define NONE 0
#define REQUEST 1
#define REPLY 2
#define REPLY_OLD 3 /* the lease it gives is from before the barrier */
#define ACTIVE 0
#define DRAINING 1
#define LEAVING 2
typedef Message {
  byte kind;
  byte view; /* request: known; reply: the store's */
  byte jobs; /* request: held; reply: holds of others */
  byte flag; /* request: intent; reply: settled */
};
Message call[NODES], late[NODES];

/* The store, and the state that a stale replica has. */
typedef Store {
  bool exists;
  bool run_changed; /* the stored run id is not the server's */
  bool barrier;
  byte view, acknowledged;
  byte held[NODES];
  byte newer; /* members of whom a request newer than their late one was seen */
  byte stale; /* members whose stored lease may be older than their real one */
};
Store store;

/* The state that a stale replica has. Acknowledgements and holds are left out: the first sync on it makes a
   new view, and until every member has acknowledged that one, with its holds, nobody looks at them. */
typedef Replica {
  bool exists;
  byte view, newer;
};
Replica replica;
#define MEMBERS (view_members[store.view])
#define MEMBER(i) HAS(MEMBERS, i)
#define ALL_HELD (store.held[0] | store.held[1] | store.held[2])
#define SETTLED (store.exists && (MEMBERS & ~store.acknowledged) == 0 && !store.barrier)
/* The node's lease ends first; a reply under way that comes after the lease it gives is a lost one. */
#ifdef LATE_REPLY_RENEWS
#define MAY_EVICT(i) (MEMBER(i) && (HAS(store.stale, i) || !HAS(lease, i)))
#else
#define MAY_EVICT(i) (MEMBER(i) && (HAS(store.stale, i) || !(HAS(lease, i) || call[i].kind >= REPLY)))
#endif
#define BARRIER_MAY_END \
  (store.barrier && lease_old == 0 && call[0].kind != REPLY_OLD && call[1].kind != REPLY_OLD && \
   call[2].kind != REPLY_OLD)

/* Budgets. */
byte faults = FAULTS, slips = SLIPS, claims_left = CLAIMS;
byte lineages;
#define SPEND(budget) \
  if                  \
  :: budget == UNLIMITED -> skip \
  :: else -> budget-- \
  fi

#ifdef TOKENS
byte token[JOBS], token_owner[JOBS], top_epoch;
#endif

/* Scratch, zero between steps. What is set before a d_step is no hidden one: it would not be restored. */
byte k, gone, ended;
hidden byte v, was_member, fresh, lost, changed, fits, sender_view, sender_jobs, sender_flag, next, others;
hidden short used;

#define USED \
  (1 | BIT(known[0]) | BIT(known[1]) | BIT(known[2]) | BIT(call[0].view) | BIT(call[1].view) | \
   BIT(call[2].view) | BIT(late[0].view) | BIT(late[1].view) | BIT(late[2].view) | BIT(store.view) | \
   BIT(replica.view))

/* Somebody stands on the view with a lease, or may come to: of the others nobody would act on a hint. */
#define STANDS_ON(i, v) (HAS(lease, i) && known[i] == (v) || call[i].kind >= REPLY && call[i].view == (v))
#define MAY_BE_HEARD(v) (store.view == (v) || STANDS_ON(0, v) || STANDS_ON(1, v) || STANDS_ON(2, v))

inline lower(name) {
  if
  :: name > v -> name--
  :: else -> skip
  fi
}

/* Forgets views that nothing names (younger ones get lower numbers); counts epochs from the oldest. */
inline collect() {
  used = USED;
  v = 1;
  do
  :: view_epoch[v] == 0 -> break
  :: view_epoch[v] != 0 && HAS(used, v) -> v++
  :: else ->
     lower(known[0]); lower(known[1]); lower(known[2]);
     lower(call[0].view); lower(call[1].view); lower(call[2].view);
     lower(late[0].view); lower(late[1].view); lower(late[2].view);
     lower(store.view); lower(replica.view);
     next = v;
     do
     :: view_epoch[next] == 0 -> break
     :: else ->
        view_members[next] = view_members[next + 1];
        view_draining[next] = view_draining[next + 1];
        view_epoch[next] = view_epoch[next + 1];
        view_lineage[next] = view_lineage[next + 1];
        view_told[next] = view_told[next + 1];
        next++
     od;
     used = USED
  od;
  v = 1;
  do
  :: view_epoch[v] == 0 -> break
  :: else -> view_told[v] = view_told[v] * MAY_BE_HEARD(v); v++
  od;
#ifndef TOKENS
  next = 255;
  v = 1;
  do
  :: view_epoch[v] == 0 -> break
  :: else -> next = (view_epoch[v] < next -> view_epoch[v] : next); v++
  od;
  v = 1;
  do
  :: next == 1 || view_epoch[v] == 0 -> break
  :: else -> view_epoch[v] = view_epoch[v] - next + 1; v++
  od;
#endif
  v = 0;
  next = 0;
  used = 0
}

#define MAY_RUN(i) (HAS(lease, i) * granted[i])
#define RUNS(i) (HAS(lease, i) * claims[i])
/* P1: no two nodes may run one job. P2: nobody may run a job that another one runs. */
inline check() {
  assert((MAY_RUN(0) & MAY_RUN(1)) == 0 && (MAY_RUN(0) & MAY_RUN(2)) == 0 && (MAY_RUN(1) & MAY_RUN(2)) == 0);
  assert((RUNS(0) & (MAY_RUN(1) | MAY_RUN(2))) == 0 && (RUNS(1) & (MAY_RUN(0) | MAY_RUN(2))) == 0 &&
         (RUNS(2) & (MAY_RUN(0) | MAY_RUN(1))) == 0)
}

inline forget(message) {
  message.kind = NONE;
  message.view = 0;
  message.jobs = 0;
  message.flag = 0
}

inline forget_late(i) {
  forget(late[i]);
  store.newer = store.newer & ~BIT(i);
  replica.newer = replica.newer & ~BIT(i)
}

/* It is newer than any request seen; an older late one is lost. */
inline send_late(me, a_view, some_jobs, a_flag) {
  late[me].kind = REQUEST;
  late[me].view = a_view;
  late[me].jobs = some_jobs;
  late[me].flag = a_flag;
  store.newer = store.newer & ~BIT(me);
  replica.newer = replica.newer & ~BIT(me)
}

inline clear_store() {
  store.exists = false;
  store.run_changed = false;
  store.barrier = false;
  store.view = 0;
  store.acknowledged = 0;
  store.held[0] = 0;
  store.held[1] = 0;
  store.held[2] = 0;
  store.newer = 0;
  store.stale = 0
}

/* A server that comes back has no barrier before its first sync. */
inline no_barrier() {
  store.barrier = false;
  lease_old = 0;
  k = 0;
  do
  :: k == NODES -> break
  :: else ->
     if
     :: call[k].kind == REPLY_OLD -> call[k].kind = REPLY
     :: else -> skip
     fi;
     k++
  od;
  k = 0
}

/* R1: what the passing of time brings to this sync. Any subset of what may have happened. */
inline choose_time() {
  k = 0;
  do
  :: k == NODES -> break
  :: k < NODES ->
     if
     :: MAY_EVICT(k) -> gone = gone | BIT(k)
#ifdef PROGRESS
     :: !(MAY_EVICT(k) && (!HAS(up, k) || HAS(store.stale, k)))
#else
     :: true
#endif
     fi;
     k++
  od;
  if
  :: BARRIER_MAY_END -> ended = true
#ifdef PROGRESS
  :: !BARRIER_MAY_END
#else
  :: true
#endif
  fi
}

/* What the sync will do: whether it makes a view. */
inline judge(me) {
  fresh = !store.exists;
  was_member = MEMBER(me) && !HAS(gone, me);
  lost = fresh || store.run_changed || !ANCESTOR(sender_view, store.view);
  changed = gone != 0 || lost;
  if
  :: sender_flag == LEAVING -> changed = changed || was_member
  :: else ->
     changed = changed || !was_member || HAS(view_draining[store.view], me) != (sender_flag == DRAINING)
  fi;
  fits = !(fresh && sender_flag == LEAVING)
}

inline evict() {
  k = 0;
  do
  :: k == NODES -> break
  :: else ->
     if
     :: HAS(gone, k) -> store.held[k] = 0
     :: else -> skip
     fi;
     k++
  od;
  store.newer = store.newer & ~gone;
  store.stale = store.stale & ~gone
}

inline begin_barrier() {
  store.barrier = true;
  lease_old = lease;
  k = 0;
  do
  :: k == NODES -> break
  :: else ->
     if
     :: call[k].kind == REPLY -> call[k].kind = REPLY_OLD
     :: else -> skip
     fi;
     k++
  od
}

/* R3 */
inline check_lineage() {
  if
  :: lost ->
     store.run_changed = false;
     if
#ifndef NO_BARRIER_EMPTY
     :: fresh -> begin_barrier()
#endif
#ifndef NO_BARRIER_FAILOVER
     :: !fresh -> begin_barrier()
#endif
     :: else -> skip
     fi
  :: else -> skip
  fi
}

/* R2 (admit, remove) and R4. `next` is the new view. */
inline bump(me) {
  if
  :: changed ->
     next = 1;
     do
     :: view_epoch[next] != 0 -> next++
     :: else -> break
     od;
     assert(next <= IDS);
     view_members[next] = MEMBERS & ~gone;
     view_draining[next] = view_draining[store.view] & ~(gone | BIT(me));
     if
     :: sender_flag == LEAVING -> view_members[next] = view_members[next] & ~BIT(me)
     :: sender_flag == DRAINING ->
        view_members[next] = view_members[next] | BIT(me);
        view_draining[next] = view_draining[next] | BIT(me)
     :: else -> view_members[next] = view_members[next] | BIT(me)
     fi;
     if
     :: fresh ->
        view_lineage[next] = lineages;
        lineages++
     :: else -> view_lineage[next] = view_lineage[store.view]
     fi;
     view_epoch[next] = view_epoch[store.view] + 1;
     if
     :: view_epoch[sender_view] >= view_epoch[next] -> view_epoch[next] = view_epoch[sender_view] + 1
     :: else -> skip
     fi;
#ifdef TOKENS
     if
#ifdef NO_TIME_IN_EPOCH
     :: fresh -> view_epoch[next] = top_epoch + 1
#else
     :: true -> view_epoch[next] = top_epoch + 1
#endif
     :: else -> skip
     fi;
     if
     :: view_epoch[next] > top_epoch -> top_epoch = view_epoch[next]
     :: else -> skip
     fi;
#endif
     store.exists = true;
     store.view = next;
     store.acknowledged = 0;
     view_told[next] = 0
  :: else -> skip
  fi;
  next = 0
}

/* R5 */
inline renew(me, is_late) {
  if
  :: sender_flag == LEAVING ->
     store.held[me] = 0;
     store.newer = store.newer & ~BIT(me);
     store.stale = store.stale & ~BIT(me)
  :: else ->
     store.stale = store.stale & ~BIT(me);
     if
     :: !is_late && late[me].kind == REQUEST -> store.newer = store.newer | BIT(me)
     :: else -> skip
     fi;
     if
#ifndef HOLDS_DROPPED
     :: was_member -> store.held[me] = sender_jobs
#endif
     :: else -> skip
     fi;
     if
     :: SAME(sender_view, store.view) -> store.acknowledged = store.acknowledged | BIT(me)
     :: else -> skip
     fi
  fi
}

/* What the sync publishes of the present view: that it settled, and all jobs that are held. The lists of a
   settled view may be heard, late, twice and in any order, so each job that one of them leaves out counts as
   free for good. `others`: what the caller held before. */
inline publish(me) {
  if
  :: SETTLED -> view_told[store.view] = view_told[store.view] | CERTIFIED | (3 & ~ALL_HELD)
#ifdef EARLY_RELEASES
  :: !SETTLED && was_member && (others & ~store.held[me]) ->
     view_told[store.view] = view_told[store.view] | (3 & ~ALL_HELD)
#endif
  :: else -> skip
  fi
}

/* R1 to R6, atomically. A late request is answered to nobody. */
inline sync(me, is_late) {
  choose_time();
  d_step {
    if
    :: is_late ->
       sender_view = late[me].view;
       sender_jobs = late[me].jobs;
       sender_flag = late[me].flag
    :: else ->
       sender_view = known[me];
       sender_jobs = HELD(me);
       sender_flag = HAS(draining, me)
    fi;
    judge(me);
#ifndef NO_SEQUENCE
    /* Refused: not newer than the newest seen. */
    fits = fits && !(is_late && MEMBER(me) && HAS(store.newer, me));
#endif
    if
    :: fits ->
       evict();
       if
       :: ended -> store.barrier = false
       :: else -> skip
       fi;
       check_lineage();
       bump(me);
       others = store.held[me];
       renew(me, is_late);
       publish(me);
       if
       :: !is_late && HAS(up, me) ->
          others = 0;
          k = 0;
          do
          :: k == NODES -> break
          :: else ->
             if
             :: k != me -> others = others | store.held[k]
             :: else -> skip
             fi;
             k++
          od;
          call[me].kind = REPLY;
          call[me].view = store.view;
          call[me].jobs = others;
          call[me].flag = SETTLED
       :: else -> skip
       fi
    :: else -> skip
    fi;
    if
    :: is_late -> forget_late(me)
    :: else -> skip
    fi;
    k = 0; gone = 0; ended = 0; was_member = 0; fresh = 0; lost = 0; changed = 0; fits = 0;
    sender_view = 0; sender_jobs = 0; sender_flag = 0; others = 0;
#ifndef EARLY_RELEASES
    k = 0;
    do
    :: k == NODES -> break
    :: else ->
       store.held[k] = (HAS(store.acknowledged, k) -> store.held[k] : 0); /* nobody looks at it before */
       k++
    od;
#endif
    k = 0;
    collect();
    check()
  }
}

/* R7 */
inline on_reply(me) {
  d_step {
    if
    :: call[me].kind == REPLY_OLD -> lease_old = lease_old | BIT(me)
    :: else -> lease_old = lease_old & ~BIT(me)
    fi;
    lease = lease | BIT(me);
    if
    :: !SAME(known[me], call[me].view) ->
       assert(known[me] == 0 || view_lineage[known[me]] != view_lineage[call[me].view] ||
              view_epoch[known[me]] < view_epoch[call[me].view]);
       known[me] = call[me].view;
#ifdef NO_INTERSECTION
       granted[me] = OWNED(known[me], me) * !HAS(draining, me)
#else
       granted[me] = granted[me] & OWNED(known[me], me)
#endif
    :: else -> skip
    fi;
    if
    :: call[me].flag && !HAS(draining, me) -> granted[me] = OWNED(known[me], me) & ~call[me].jobs
    :: else -> skip
    fi;
    forget(call[me]);
    collect();
    check()
  }
}

/* A settled hint, or a release hint once the node is settled: no sync, no lease, no acknowledgement. */
#define MAY_HEAR(i) \
  (HAS(lease, i) && known[i] && !HAS(draining, i) && (OWNED(known[i], i) & TOLD_FREE(known[i]) & ~granted[i]))
inline hear(me) {
  d_step {
    granted[me] = granted[me] | (OWNED(known[me], me) & TOLD_FREE(known[me]));
    check()
  }
}

/* A view hint: adopts without asking. Heard later it would only have taken away the same later. */
#define MAY_HEAR_VIEW(i) \
  (HAS(lease, i) && known[i] && call[i].kind == NONE && MEMBER(i) && !SAME(known[i], store.view) && \
   ANCESTOR(known[i], store.view) && store.exists)
inline hear_view(me) {
  d_step {
    known[me] = store.view;
    granted[me] = granted[me] & OWNED(known[me], me);
    collect();
    check()
  }
}

/* The lease ends: by the clock, at this very instant, whether the node looks or not. It looks before it does
   anything else, so its rights may as well go now. */
inline end_lease(me) {
  lease = lease & ~BIT(me);
  lease_old = lease_old & ~BIT(me);
#ifdef NO_FENCE_ON_WAKING
  if
  :: call[me].kind == NONE ->
     granted[me] = 0;
     claims[me] = 0
  :: else -> skip
  fi
#else
  granted[me] = 0;
  claims[me] = 0
#endif
}

/* The process is gone; what it has sent still travels. */
inline end_process(me) {
  up = up & ~BIT(me);
  draining = draining & ~BIT(me);
  lease = lease & ~BIT(me);
  lease_old = lease_old & ~BIT(me);
  known[me] = 0;
  granted[me] = 0;
  claims[me] = 0;
  if
  :: call[me].kind >= REPLY -> forget(call[me])
  :: else -> skip
  fi
}

inline take(me, job) {
  d_step {
    claims[me] = claims[me] | BIT(job);
#ifdef TOKENS
    assert(token[job] < view_epoch[known[me]] ||
           (token_owner[job] == me && token[job] == view_epoch[known[me]]));
    token[job] = view_epoch[known[me]];
    token_owner[job] = me;
#endif
    check()
  }
}

#define MAY_CLAIM(i, job) (HAS(lease, i) && HAS(granted[i] & ~claims[i], job) && claims_left > 0)

/* A process of a new id may take this place: nothing remembers the one that had it. */
#define FORGOTTEN(i) \
  (!HAS(up, i) && !MEMBER(i) && !HAS(view_members[replica.view], i) && call[i].kind == NONE && \
   late[i].kind == NONE)

/* The first process ever is 0 or 1: 0 and 2 are mirror images. */
#define MAY_CALL(i) \
  (call[i].kind == NONE && \
   (HAS(up, i) || (FORGOTTEN(i) && (i < 2 || up || store.exists || late[0].kind || late[1].kind))))

/* Whether a sync of the node would change anything, or tell it something. */
#define DRAIN_TO_TELL(i) (HAS(draining, i) != HAS(view_draining[store.view], i))
#define TARGET(i) (HAS(draining, i) -> granted[i] : (OWNED(known[i], i) & ~OTHERS(i)))
#define OTHERS(i) ((i != 0) * store.held[0] | (i != 1) * store.held[1] | (i != 2) * store.held[2])
#define TO_EVICT(i) (MAY_EVICT(i) && (!HAS(up, i) || HAS(store.stale, i)))
#define SOMEBODY_TO_EVICT (TO_EVICT(0) || TO_EVICT(1) || TO_EVICT(2))
#define UP_TO_DATE(i) \
  (store.exists && !store.run_changed && HAS(lease, i) && !HAS(lease_old, i) && known[i] == store.view && \
   HAS(store.acknowledged, i) && store.held[i] == HELD(i) && !DRAIN_TO_TELL(i) && \
   (!SETTLED || granted[i] == TARGET(i)))
#define USEFUL(i) (!UP_TO_DATE(i) || BARRIER_MAY_END || SOMEBODY_TO_EVICT)
#ifdef PROGRESS
#define WORTH_A_SYNC(i) USEFUL(i)
#define CALM (faults == 0 && slips == 0 && claims_left == 0) /* claims may then run for ever */
#else
#define WORTH_A_SYNC(i) true
#define CALM false
#endif
#define WELL(i) (!HAS(up, i) || (UP_TO_DATE(i) && SETTLED))

proctype Node(byte me) {
end:
  do
  /* The node's life; it starts with its first sync. */
#ifndef ONLY_FAILOVERS
  :: atomic { HAS(up, me) && faults > 0 -> faults--; d_step { end_process(me); collect() } }
  :: atomic { HAS(up, me) && !HAS(draining, me) && faults > 0 ->
       faults--;
       draining = draining | BIT(me);
       granted[me] = 0 }
#endif
  :: atomic { HAS(up, me) && HAS(draining, me) && claims[me] == 0 && call[me].kind == NONE ->
       d_step { send_late(me, known[me], 0, LEAVING); end_process(me); collect() } }
  :: atomic { HAS(lease, me) && slips > 0 -> SPEND(slips); d_step { end_lease(me) } }

  /* Claims. */
  :: atomic { MAY_CLAIM(me, 0) -> SPEND(claims_left); take(me, 0) }
  :: atomic { MAY_CLAIM(me, 1) -> SPEND(claims_left); take(me, 1) }
  :: atomic { HAS(claims[me], 0) && !CALM -> claims[me] = claims[me] & ~1 }
  :: atomic { HAS(claims[me], 1) && !CALM -> claims[me] = claims[me] & ~2 }

  /* The sync under way. */
  :: atomic { MAY_CALL(me) && WORTH_A_SYNC(me) ->
       up = up | BIT(me);
       sync(me, false);
       if
       :: on_reply(me)
       :: slips > 0 -> SPEND(slips) /* it is late, or lost */
       fi }
  :: atomic { MAY_CALL(me) && slips > 0 -> SPEND(slips); d_step {
         up = up | BIT(me);
         send_late(me, known[me], HELD(me), HAS(draining, me));
         collect()
       } }
  :: atomic { call[me].kind >= REPLY -> on_reply(me) }

  /* A hint, whenever it comes. */
  :: atomic { MAY_HEAR(me) -> hear(me) }
  :: atomic { MAY_HEAR_VIEW(me) -> hear_view(me) }
  :: atomic { call[me].kind >= REPLY -> d_step { forget(call[me]); collect() } }

  /* A request that was given up but still travels. */
  :: atomic { late[me].kind == REQUEST -> sync(me, true) }
  od
}

/* What happens to the store. A replica stops following at any moment; later it becomes the master. */
proctype Server() {
end:
  do
  :: atomic { store.exists && !store.run_changed && !replica.exists && faults > 0 ->
       d_step {
         replica.exists = true;
         replica.view = store.view;
         replica.newer = store.newer
       } }
  :: atomic { replica.exists && faults > 0 ->
       faults--;
       d_step {
         clear_store();
         store.exists = true;
         store.run_changed = true;
         store.view = replica.view;
         store.newer = replica.newer;
         store.stale = view_members[replica.view];
         replica.exists = false;
         replica.view = 0;
         replica.newer = 0;
         no_barrier();
         collect()
       } }
#ifndef ONLY_FAILOVERS
  :: atomic { store.exists && faults > 0 -> faults--; d_step { clear_store(); no_barrier(); collect() } }
#endif
#ifdef PROGRESS
  :: atomic { !CALM -> faults = 0; slips = 0; claims_left = 0 }
  :: timeout -> assert(WELL(0) && WELL(1) && WELL(2)); break
#endif
  od
}

init {
  atomic {
    run Node(0);
    run Node(1);
    run Node(2);
    run Server()
  }
}
