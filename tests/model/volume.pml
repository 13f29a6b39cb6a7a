// One volume of the SPU: monitor/space_policy.*, proof_attempt.*, and the step an append needs.

// Something is wanted that is not durable yet.
#define UNSAVED(v) \
  (told[v] || ws[v] != SPACE(dur[v]) || wo[v] != OPER(dur[v]) || wmk[v] != MARKS(dur[v]))
#define MISSING(v) ((1 - res[v]) + (1 - step[v]))
#ifdef M_MEASURE_ONLY
#define ENOUGH(v) (free[v] >= RESUME(wmk[v]))
#else
#define ENOUGH(v) (free[v] >= RESUME(wmk[v]) + MISSING(v))
#endif
#define PROOF_DUE(v) (SPACE(dur[v]) && !UNSAVED(v) && !dev[v])

// The one way anything becomes durable: rec into the slot, and to be told.
inline write_slot(v, rec) {
  // P4: no boot, fault, operator or message takes a space hold away. A proof does.
  PROMISE(4, !SPACE(dur[v]) || SPACE(rec) || (PROVEN(rec) && EPI(rec) >= EPI(dur[v])));
  dur[v] = rec;
#ifdef WIPE
  if :: GEN(rec) > high[v] -> high[v] = GEN(rec) :: else fi;
#endif
  told[v] = 0;
  sent[v] = 0;
  acked[v] = 0
}

// n: the record that is wanted, short of a lift. Numbers go above all that is known anywhere, an
// episode that was told of elsewhere is not told again with other content.
inline next_record(v) {
  n = (GEN(dur[v]) > GEN(told[v]) -> GEN(dur[v]) : GEN(told[v])) + 1;
  r = EPI(dur[v]);
  if
  :: ws[v] && !SPACE(dur[v]) -> r = (r > EPI(told[v]) -> r : EPI(told[v])) + 1
  :: ws[v] && SPACE(dur[v]) && r < EPI(told[v]) -> r = EPI(told[v]) + 1
  :: else
  fi;
  if
  :: ws[v] -> n = RECORD(n, 1, wo[v], r, 0, wmk[v], 0, 0)
  :: else  -> n = RECORD(n, 0, wo[v], r, PROVEN(dur[v]), wmk[v], BY(dur[v]), (res[v] && !wo[v]))
  fi
}

inline lift(v) {
  n = RECORD(GEN(dur[v]) + 1, 0, wo[v], EPI(dur[v]), 1, wmk[v], wmk[v], (res[v] && step[v]));
  write_slot(v, n);
  ws[v] = 0;
  cause[v] = 0;
  proof[v] = IDLE
}

proctype volume(byte v) {
end:
  do
  // A reading below full: stop accepting. The reserve, even the step, may still be held.
  :: d_step {
       !ws[v] && free[v] <= FULL ->
       SAY("volume %d: a reading shows %d free: gate closed, space hold wanted\n", v, free[v]);
       gate[v] = 0;
       ws[v] = 1;
       cause[v] = 1
     }

  // An allocation meets ENOSPC, before any reading could show it.
  :: d_step {
       gate[v] && !STEP_HELD(v) && free[v] == 0 && !ws[v] ->
       SAY("volume %d: no step could be allocated: gate closed, space hold wanted\n", v);
       PROMISE(7, cause[v]);
       gate[v] = 0;
       ws[v] = 1
     }

  // Appends: only into a step that is held; a step only out of what lies above full.
  :: d_step {
       gate[v] && !STEP_HELD(v) && free[v] > FULL ->
       SAY("volume %d: takes a step\n", v);
       free[v]--;
       step[v] = 1
     }
  :: d_step {
       gate[v] && STEP_HELD(v) && !adm[v] && moves && !calm ->
       SAY("volume %d: a write is admitted\n", v);
       moves--;
       adm[v] = 1;
       own[v] = step[v];
       step[v] = 0;
       TRUST(v, 0);
       cause[v] = 1
     }
  :: d_step {
       adm[v] ->
       SAY("volume %d: the write reaches the disk: own space %d, free %d\n", v, own[v], free[v]);
       PROMISE(6, own[v] || free[v] > 0);
       if :: own[v] -> skip :: else -> free[v]-- fi;
       adm[v] = 0;
       own[v] = 0
     }

  // Holds, marks, numbers: durable before they are told. "No holds" only while room is held.
  :: d_step {
       UNSAVED(v) && GEN(dur[v]) < GENERATIONS && GEN(told[v]) < GENERATIONS &&
       EPI(dur[v]) < EPISODES && EPI(told[v]) < EPISODES &&
       (ws[v] || wo[v] || (RESERVE_HELD(v) && free[v] > FULL)) ->
       next_record(v);
       SAY("volume %d: durable: generation %d, space %d, operator %d, episode %d\n", v, GEN(n),
           SPACE(n), OPER(n), EPI(n));
       proof[v] = IDLE;
       write_slot(v, n)
     }
  :: d_step {
       UNSAVED(v) && (GEN(dur[v]) == GENERATIONS || GEN(told[v]) == GENERATIONS ||
                   EPI(dur[v]) == EPISODES || EPI(told[v]) == EPISODES) && !calm ->
       NOT_REACHED
     }

  // The proof. 1: readings, with what will be taken on top.
  :: d_step {
       PROOF_DUE(v) && proof[v] == IDLE && ENOUGH(v) ->
       SAY("volume %d: %d free: enough to begin a proof\n", v, free[v]);
       proof[v] = READINGS_OK
     }
#if defined(M_MEASURE_ONLY)
  :: d_step {
       PROOF_DUE(v) && proof[v] == READINGS_OK ->
       SAY("volume %d: measured enough, takes nothing\n", v);
       TRUST(v, 1);
       proof[v] = ROOM_TAKEN
     }
#elif defined(M_PERSIST_BEFORE_ROOM)
  :: d_step {
       PROOF_DUE(v) && proof[v] == READINGS_OK ->
       SAY("volume %d: writes 'no hold' before it has its room\n", v);
       lift(v);
       owing[v] = 1
     }
  :: d_step {
       owing[v] ->
       owing[v] = 0;
       if
       :: MISSING(v) == 0 || free[v] >= FULL + MISSING(v) ->
          SAY("volume %d: room taken\n", v);
          free[v] = free[v] - MISSING(v);
          res[v] = 1;
          step[v] = 1
       :: else ->
          SAY("volume %d: the room is gone meanwhile: space hold wanted again\n", v);
          PROMISE(7, cause[v]);
          ws[v] = 1
       fi
     }
#else
  // 2: the room, for real; what was taken is kept whatever becomes of the proof.
  :: d_step {
       PROOF_DUE(v) && proof[v] == READINGS_OK ->
       if
       :: MISSING(v) == 0 || free[v] >= FULL + MISSING(v) ->
          SAY("volume %d: takes room of %d and keeps it\n", v, MISSING(v));
          free[v] = free[v] - MISSING(v);
          res[v] = 1;
          step[v] = 1;
          proof[v] = ROOM_TAKEN
       :: else ->
          SAY("volume %d: the room is gone meanwhile, the hold stays\n", v);
          proof[v] = IDLE
       fi
     }
#endif
  // 3: a reading after that. 4: the record; then the gate; then the report.
  :: d_step {
       PROOF_DUE(v) && proof[v] == ROOM_TAKEN ->
       if
       :: free[v] >= RESUME(wmk[v]) -> proof[v] = PROVED
       :: else -> proof[v] = IDLE
       fi;
       SAY("volume %d: a reading after that: %d free\n", v, free[v])
     }
  :: d_step {
       PROOF_DUE(v) && proof[v] == PROVED && GEN(dur[v]) < GENERATIONS ->
       lift(v);
       SAY("volume %d: durable: generation %d, no space hold, proof of episode %d\n", v, GEN(n),
           EPI(n))
     }
  :: d_step {
       PROOF_DUE(v) && proof[v] == PROVED && GEN(dur[v]) == GENERATIONS && !calm ->
       NOT_REACHED
     }
  :: d_step {
       !gate[v] && !HELD(dur[v]) && !UNSAVED(v) && !dev[v] && RESERVE_HELD(v) && !OWING(v) &&
       free[v] > FULL ->
       SAY("volume %d: gate open\n", v);
       gate[v] = 1
     }
  od
}
