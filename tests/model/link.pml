// The SPU's end of the stream: spu/core/link_core.*, link_messages.cc, report_queue.*.
//
// Timers are slower than the network: they fire when nothing is on the way. What a hasty timer
// would do, the world does by repeating messages.

#define SENDABLE(v) (link == ATTACHED && !told[v])

inline say_report(v, rec) {
  SAY("SPU: reports volume %d: generation %d, space %d, device %d, session %d\n", v, GEN(rec),
      SPACE(rec), dev[v], ssess);
  up!REPORT(ssess, ABOUT(v, dev[v]), rec);
  if
  :: saidin[v] != ssess -> saidin[v] = ssess; saidlo[v] = GEN(rec)
  :: else
  fi
}

inline detach() {
  link = AWAY;
  ssess = 0
}

// The number is known already, or void: go above it, hold, and prove.
inline start_over(v, known) {
  told[v] = SHOWN(known);
  gate[v] = 0;
  ws[v] = 1;
  proof[v] = IDLE
}

// Welcome shows a generation above ours, or ours with another content: wiped, or rolled back.
// Nothing is said of the volume before the policy has gone above it.
inline compare_with_known(v, known) {
  sent[v] = 0;
  acked[v] = 0;
#ifndef M_NO_FAST_FORWARD
  if
  :: SHOWN(known) == SHOWN(dur[v]) -> skip
  :: GEN(known) < GEN(dur[v]) && EPI(known) <= EPI(dur[v]) -> skip
  :: else ->
     SAY("SPU: Welcome knows generation %d of volume %d: wiped, space is unproven\n", GEN(known),
         v);
     start_over(v, known)
  fi
#else
  skip
#endif
}

// Reports of one volume: durable state, until acknowledged.
proctype reporter(byte v) {
end:
  do
  :: d_step {
       SENDABLE(v) && !sent[v] && nfull(up) ->
       sent[v] = 1;
       say_report(v, dur[v])
     }
#ifndef M_SENT_ONCE
  :: d_step {
       SENDABLE(v) && sent[v] && !acked[v] && QUIET ->
       SAY("SPU: volume %d is not acknowledged yet\n", v);
       sent[v] = 0
     }
#endif
#ifdef M_SEND_BEFORE_PERSIST
  :: d_step {
       SENDABLE(v) && UNSAVED(v) && QUIET ->
       next_record(v);
       say_report(v, n)
     }
#endif
  od
}

#ifdef LIVE
// With nothing on the way, only the order of these numbers matters, not how large they are. Without
// this, who says Hello for ever would never be in the same state twice, and pass for progress.
inline count_anew() {
  attempt = 0;
  cba = WHO(boot, 0);
  stba = cba;
  saidin[0] = (csess && saidin[0] == csess);
  if :: V == 2 -> saidin[V - 1] = (csess && saidin[V - 1] == csess) :: else fi;
  csess = (csess > 0);
  stsess = 1
}
#endif

proctype spu_link() {
end:
  do
  :: d_step {
       link == AWAY && nfull(up) && (attempt < ATTEMPTS || (calm && QUIET)) ->
#ifdef LIVE
       if :: calm && QUIET -> count_anew() :: else fi;
#endif
       attempt++;
       SAY("SPU: Hello, boot %d, attempt %d\n", boot, attempt);
       link = GREETING;
       up!HELLO(0, WHO(boot, attempt), 0)
     }
  :: d_step { link == AWAY && attempt == ATTEMPTS && !calm -> NOT_REACHED }
  :: d_step {
       link == GREETING && QUIET ->
       SAY("SPU: no Welcome in time\n");
       link = AWAY
     }
  // A heartbeat that would tell the SC nothing is left out.
  :: d_step {
       link == ATTACHED && QUIET && (csess != ssess || out) ->
       SAY("SPU: heartbeat of session %d\n", ssess);
       up!BEAT(ssess, 0, 0)
     }

  :: d_step {
       dn?WELCOME(s, x, r, r1) ->
       if
       :: link == GREETING && x == WHO(boot, attempt) ->
          SAY("SPU: Welcome to session %d\n", s);
          link = ATTACHED;
          ssess = s;
          compare_with_known(0, r);
          compare_with_known(V - 1, r1)
       :: else -> SAY("SPU: a Welcome for another Hello\n")
       fi
     }
  // r is the newest Hello known. Of ours, only the attempt may be raised.
  :: d_step {
       dn?HELLO_NACK(s, x, r, r1) ->
       if
       :: link != AWAY && x == WHO(boot, attempt) ->
          SAY("SPU: Hello refused\n");
          if :: r / 8 == boot && r % 8 > attempt -> attempt = r % 8 :: else fi;
          detach()
       :: else -> SAY("SPU: a refusal of another Hello\n")
       fi
     }
  :: d_step {
       dn?ACK(s, x, r, r1) ->
       i = x / 2;
       if
       :: link == ATTACHED && s == ssess && r == GEN(dur[i]) && x % 2 == dev[i] ->
          SAY("SPU: volume %d is acknowledged at generation %d\n", i, r);
          acked[i] = 1
       :: else -> SAY("SPU: an acknowledgement of what is old\n")
       fi
     }
  :: d_step {
       dn?PROOF_NACK(s, x, r, r1) ->
       i = x / 2;
       if
       :: link == ATTACHED && s == ssess && r == GEN(dur[i]) && !told[i] && !SPACE(dur[i]) ->
          SAY("SPU: proof of volume %d refused: gate closed, space hold wanted\n", i);
          PROMISE(7, cause[i]);
          start_over(i, dur[i])
       :: else -> SAY("SPU: a refusal of what is old\n")
       fi
     }
  :: d_step {
       dn?OTHER_NACK(s, x, r, r1) ->
       i = x / 2;
       if
       :: link == ATTACHED && s == ssess && r == GEN(dur[i]) ->
          SAY("SPU: report of volume %d refused: a new Hello\n", i);
          detach()
       :: else -> SAY("SPU: a refusal of what is old\n")
       fi
     }
  :: d_step {
       dn?STALE_NACK(s, x, r, r1) ->
       if
       :: link == ATTACHED && s == ssess ->
          SAY("SPU: session %d is dead: a new Hello\n", s);
          detach()
       :: else -> SAY("SPU: an older session is dead\n")
       fi
     }
  od
}
