// The controller: sc/core/controller_sessions.cc, controller_volumes.cc, report_table.cc,
// status_of.cc. Its store takes one batch at a time, in order.

// The one way what is shown changes. by_report: else a connection or a restart did it.
inline publish(v, rec, device, by_report) {
  // P5: never back in time; one generation, one content.
  PROMISE(5, GEN(rec) >= GEN(pub[v]) && (GEN(rec) > GEN(pub[v]) || SHOWN(rec) == SHOWN(pub[v])));
  // P3: OutOfSpace is left by a newer generation, proven for the newest marks.
  PROMISE(3, !SPACE(pub[v]) || SPACE(rec) ||
             (GEN(rec) > GEN(pub[v]) && PROVEN(rec) && EPI(rec) >= EPI(pub[v]) &&
              BY(rec) >= MARKS(rec)));
  // P4: no connection and no restart takes a space hold away. (A restart may find a newer verdict
  // in the store that was not shown yet.)
  PROMISE(4, by_report || !SPACE(pub[v]) || SPACE(rec) || GEN(rec) > GEN(pub[v]));
  pub[v] = rec;
  pubdev[v] = device
}

// After everything that may change what is shown.
inline look(v) {
  // P1: decided with room in hand, and said in this session.
  PROMISE(1, !ONLINE(v) || (ROOM(pub[v]) && saidin[v] == csess && saidlo[v] <= GEN(pub[v])));
  // P2: the SC is never ahead.
  PROMISE(2, GEN(pub[v]) <= EVER(v) && GEN(st[v]) <= EVER(v));
  WITNESS_LOOKS
}

inline look_at_all() {
  look(0);
  look(V - 1)
}

#ifdef M_ONE_ENUM
#define FORGET(v) \
  publish(v, RECORD(GEN(pub[v]), 0, OPER(pub[v]), EPI(pub[v]), PROVEN(pub[v]), MARKS(pub[v]), \
                 BY(pub[v]), ROOM(pub[v])), 0, 0)
#else
#define FORGET(v) skip
#endif

// Reach goes Down. It touches no verdict.
inline end_session() {
  csess = 0;
  out = 0;
  synced[0] = 0;
  synced[V - 1] = 0;
  FORGET(0);
  FORGET(V - 1)
}

inline run_out() {
  out = 1;
  FORGET(0);
  FORGET(V - 1)
}

inline restart_sc() {
  qstate = NOTHING; qv = 0; qsess = 0; q = 0; qdev = 0;
  greet = 0;
  cba = stba;
  csess = 0;
  out = 0;
  synced[0] = 0;
  synced[V - 1] = 0;
  publish(0, st[0], stdev[0], 0);
  publish(V - 1, st[V - 1], stdev[V - 1], 0);
  look_at_all()
}

inline make_synced(v) {
  // P8: nothing of a dead session makes anything Up.
  PROMISE(8, csess && s == csess);
#ifdef M_REACH_PER_SPU
  synced[0] = 1;
  synced[V - 1] = 1
#else
  synced[v] = 1
#endif
}

inline into_store(v, rec, device, sess) {
  // P8: ... and nothing of it is believed.
  PROMISE(8, csess && sess == csess);
  qstate = WRITING; qv = v; qsess = sess; q = rec; qdev = device
}

inline leave_store() {
  qstate = NOTHING; qv = 0; qsess = 0; q = 0; qdev = 0
}

// report_table.cc, its rows in their order.
inline judge(v, rec) {
  verdict = ACK;
  if
#ifndef M_NO_GENERATION_CHECK
  :: GEN(rec) < GEN(pub[v]) -> verdict = OTHER_NACK
  :: GEN(rec) == GEN(pub[v]) && SHOWN(rec) != SHOWN(pub[v]) -> verdict = OTHER_NACK
#endif
  :: SHOWN(rec) == SHOWN(pub[v]) -> skip
  :: else ->
     if
#ifndef M_NO_GENERATION_CHECK
     :: EPI(rec) < EPI(pub[v]) -> verdict = OTHER_NACK
#endif
     :: else ->
        if
        // Gone, passed unseen, or ended without the proof that ended it.
        :: !SPACE(rec) &&
           (SPACE(pub[v]) || EPI(rec) > EPI(pub[v]) || (EPI(rec) > 0 && !PROVEN(rec))) ->
           if
           :: !PROVEN(rec) || BY(rec) < MARKS(rec) -> verdict = PROOF_NACK
#ifdef M_PROOF_OF_OPEN_EPISODE
           :: SPACE(pub[v]) && EPI(rec) != EPI(pub[v]) -> verdict = PROOF_NACK
#endif
           :: else
           fi
        :: else
        fi
     fi
  fi
}

// Of one generation a device fault is newer than none, within a session.
#define OVERTAKEN(v, rec, device) \
  (synced[v] && GEN(rec) == GEN(pub[v]) && pubdev[v] && !device)

#ifdef M_SILENCE
#define REFUSE_SESSION(sess) skip
#else
#define REFUSE_SESSION(sess) dn!STALE_NACK(sess, 0, 0, 0)
#endif

#ifdef M_NO_SESSION_FENCE
#define FENCED(sess) false
#else
#define FENCED(sess) (!csess || sess != csess)
#endif

proctype sc() {
end:
  do
  // Fence first: what Welcome says is known stays the newest there is.
  :: d_step {
       nfull(dn) && up?[HELLO, _, _, _] ->
       up?HELLO(s, x, r);
       if
#ifdef M_NO_HELLO_COUNTER
       :: true ->
#else
       :: x > cba ->
#endif
          SAY("SC: Hello of boot %d, attempt %d\n", x / 8, x % 8);
          // P9: an old Hello cannot cut a live session.
          PROMISE(9, !csess || x > cba);
          end_session();
          cba = x;
          greet = 1
#ifndef M_NO_HELLO_COUNTER
       :: else ->
          SAY("SC: refuses an old Hello\n");
          dn!HELLO_NACK(0, x, cba, 0)
#endif
       fi
     }
  :: d_step {
       greet && qstate == NOTHING && nfull(dn) ->
       greet = 0;
       stsess++;
       stba = cba;
       csess = stsess;
       SAY("SC: session %d is durable; Welcome\n", csess);
       dn!WELCOME(csess, cba, pub[0], pub[V - 1]);
#ifdef M_RECONNECT_IS_ONLINE
       synced[0] = 1;
       synced[V - 1] = 1;
#endif
       look_at_all()
     }

  :: d_step {
       nfull(dn) && qstate == NOTHING && up?[REPORT, _, _, _] ->
       up?REPORT(s, x, r);
       i = x / 2;
       if
       :: FENCED(s) ->
          SAY("SC: a report of the dead session %d\n", s);
          REFUSE_SESSION(s)
       :: else ->
          out = 0;
          judge(i, r);
          if
          :: OVERTAKEN(i, r, x % 2) -> SAY("SC: a report that was overtaken\n")
          :: else ->
             if
             :: verdict != ACK ->
                SAY("SC: refuses generation %d of volume %d (%e)\n", GEN(r), i, verdict);
                dn!verdict(s, x, GEN(r), 0)
             :: verdict == ACK && SHOWN(r) == SHOWN(pub[i]) && x % 2 == pubdev[i] ->
                SAY("SC: volume %d, generation %d, is known; acknowledges\n", i, GEN(r));
                make_synced(i);
                dn!ACK(s, x, GEN(r), 0)
             :: else ->
                SAY("SC: volume %d, generation %d, goes to the store\n", i, GEN(r));
                into_store(i, r, x % 2, s);
#ifdef M_PUBLISH_BEFORE_PERSIST
                SAY("SC: shows it at once\n");
                publish(i, r, x % 2, 1);
                make_synced(i);
                dn!ACK(s, x, GEN(r), 0)
#endif
             fi
          fi;
          look_at_all()
       fi
     }
  :: d_step {
       qstate == WRITING ->
       SAY("SC: volume %d, generation %d, is durable\n", qv, GEN(q));
       st[qv] = q;
       stdev[qv] = qdev;
#ifdef M_PUBLISH_BEFORE_PERSIST
       leave_store();
#else
       qstate = WRITTEN;
#endif
       look_at_all()
     }
  // Persist, publish, ack. If its session has gone meanwhile it is true, but makes nothing Up.
  :: d_step {
       qstate == WRITTEN && nfull(dn) ->
       SAY("SC: shows volume %d, generation %d, space %d\n", qv, GEN(q), SPACE(q));
       publish(qv, q, qdev, 1);
       if
       :: csess && qsess == csess ->
          s = qsess;
          make_synced(qv);
          dn!ACK(qsess, ABOUT(qv, qdev), GEN(q), 0)
       :: else
       fi;
       leave_store();
       look_at_all()
     }

  :: d_step {
       nfull(dn) && up?[BEAT, _, _, _] ->
       up?BEAT(s, x, r);
       if
       :: csess && s == csess -> SAY("SC: heartbeat\n"); out = 0
       :: else -> SAY("SC: a heartbeat of the dead session %d\n", s); REFUSE_SESSION(s)
       fi;
       look_at_all()
     }
  od
}
