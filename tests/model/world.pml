// What may happen to them, at any moment, as long as the purse lasts.

#define FAULT (faults && !calm)
#define MOVE (moves && !calm)

// A boot believes the slots and the reserve that it finds, and nothing else.
inline boot_volume(v) {
  gate[v] = 0;
  adm[v] = 0;
  own[v] = 0;
  dev[v] = 0;
  told[v] = 0;
  sent[v] = 0;
  acked[v] = 0;
  proof[v] = IDLE;
  wo[v] = OPER(dur[v]);
#ifdef M_PERSIST_BEFORE_ROOM
  owing[v] = 0;
#endif
#ifdef M_TRUST_AT_BOOT
  TRUST(v, !SPACE(dur[v]));
  ws[v] = SPACE(dur[v])
#else
  TRUST(v, 0);
  ws[v] = SPACE(dur[v]) || !res[v]
#endif
}

inline restart_spu() {
  faults--;
  boot++;
  attempt = 0;
  detach();
  boot_volume(0);
  boot_volume(V - 1)
}

#define MAY_RESTART (FAULT && boot < BOOTS)

proctype world() {
end:
  do
  :: d_step { MAY_RESTART -> SAY("world: the SPU crashes and boots\n"); restart_spu() }
  :: d_step { FAULT -> SAY("world: the SC crashes and boots\n"); faults--; restart_sc() }
  :: d_step { FAULT && link != AWAY -> SAY("world: the SPU loses the stream\n"); faults--; detach() }
  :: d_step { FAULT && csess -> SAY("world: the SC loses the stream\n"); faults--; end_session() }
  :: d_step { FAULT && csess && !out -> SAY("world: the lease runs out\n"); faults--; run_out() }

  // The network, over all streams there ever were: what is on the way may outlive its session.
  :: d_step {
       FAULT && nempty(up) ->
       up?verdict(s, x, r);
       SAY("world: a message to the SC is lost (%e)\n", verdict);
       faults--;
       verdict = 0
     }
  :: d_step {
       FAULT && nempty(dn) ->
       dn?verdict(s, x, r, r1);
       SAY("world: a message to the SPU is lost (%e)\n", verdict);
       faults--;
       verdict = 0
     }
  :: d_step {
       FAULT && nempty(up) && nfull(up) ->
       up?<verdict, s, x, r>;
       SAY("world: a message to the SC is on the way twice (%e)\n", verdict);
       up!verdict(s, x, r);
       faults--;
       verdict = 0
     }
  :: d_step {
       FAULT && nempty(dn) && nfull(dn) ->
       dn?<verdict, s, x, r, r1>;
       SAY("world: a message to the SPU is on the way twice (%e)\n", verdict);
       dn!verdict(s, x, r, r1);
       faults--;
       verdict = 0
     }
  :: d_step {
       FAULT && len(up) > 1 ->
       up?verdict(s, x, r);
       SAY("world: a message to the SC is overtaken (%e)\n", verdict);
       up!verdict(s, x, r);
       faults--;
       verdict = 0
     }
  :: d_step {
       FAULT && len(dn) > 1 ->
       dn?verdict(s, x, r, r1);
       SAY("world: a message to the SPU is overtaken (%e)\n", verdict);
       dn!verdict(s, x, r, r1);
       faults--;
       verdict = 0
     }
#ifdef LIVE
  :: d_step { !calm -> SAY("world: from now on nothing happens any more\n"); calm = 1 }
#endif
  od
}

// To one volume.
proctype world_of(byte v) {
end:
  do
  :: d_step {
       MOVE && free[v] > 0 ->
       moves--;
       free[v]--;
       SAY("neighbour: takes a unit of volume %d, %d free\n", v, free[v])
     }
  :: d_step {
       MOVE && free[v] < FREE_MAX ->
       moves--;
       free[v]++;
       SAY("neighbour: returns a unit of volume %d, %d free\n", v, free[v])
     }
#ifdef OPERATOR
  :: d_step {
       MOVE && !wo[v] -> SAY("operator: holds volume %d\n", v); moves--; wo[v] = 1; gate[v] = 0
     }
  :: d_step { MOVE && wo[v] -> SAY("operator: releases volume %d\n", v); moves--; wo[v] = 0 }
#endif
#ifdef NEW_MARKS
  // What was being shown for the old marks is shown again.
  :: d_step {
       MOVE && !wmk[v] ->
       SAY("operator: raises the resume mark of volume %d\n", v);
       moves--;
       wmk[v] = 1;
       cause[v] = 1;
       proof[v] = IDLE
     }
#endif
#ifdef DEVICE
  // It cannot wait for a record, its disk may never take one again: told beside it, of this boot.
  :: d_step {
       FAULT && !dev[v] ->
       SAY("world: a device fault of volume %d: gate closed\n", v);
       faults--;
       dev[v] = 1;
       gate[v] = 0;
       proof[v] = IDLE;
       sent[v] = 0;
       acked[v] = 0;
#ifdef M_DEVICE_ERASES
       SAY("volume %d: its record names the device fault instead of the space hold\n", v);
       ws[v] = 0;
       next_record(v);
       write_slot(v, n)
#endif
     }
#endif
#ifdef LOST_ROOM
  // A power cut, and the reserve is not there after it; somebody else has the space.
  :: d_step {
       MAY_RESTART && res[v] ->
       SAY("world: the SPU crashes and boots, reserve and step of volume %d are gone\n", v);
       res[v] = 0;
       step[v] = 0;
       restart_spu()
     }
#endif
#ifdef WIPE
  // Neither slot can be read. It might have been of generation 1, so the next is 2; until that is
  // durable there is nothing to tell.
  :: d_step {
       MAY_RESTART ->
       SAY("world: the SPU crashes and boots, volume %d has no readable slot\n", v);
       dur[v] = 0;
       wiped = 1;
       cause[v] = 1;
       restart_spu();
       told[v] = RECORD(1, 0, 0, 0, 0, 0, 0, 0);
       ws[v] = 1
     }
  // Restored from an old copy: an honest record, of long ago.
  :: d_step {
       MAY_RESTART && dur[v] != AT_FORMAT ->
       SAY("world: the SPU crashes and boots, volume %d is rolled back to generation 1\n", v);
       dur[v] = AT_FORMAT;
       wiped = 1;
       cause[v] = 1;
       restart_spu()
     }
#endif
  od
}

#ifdef FAIR
// The search for fair runs overlooks states in which nothing can happen: here time always can.
proctype clock() {
end:
  do
  :: d_step { calm -> skip }
  od
}
#endif
