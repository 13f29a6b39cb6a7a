// The bug this project was started for (Fluvio #4528), as a museum piece: how one status enum lost
// "out of space" before the cure (pull request #4529), and how it still does after it. Only what
// decides that: one SPU, one partition, one connection without loss.
//
//   -DCURED         with #4529: LeaderOffline does not overwrite OutOfStorage, reconnecting skips it
//   -DNO_LRS        without the replica status messages, which always say Online
//   -DDEAD_LEADER   asks another question: is a dead leader ever shown as readable?
//
// Facts: SC reducer.rs (force_election_spu_off, _on), private_server.rs (receive_lrs_update,
// receive_partition_update), SPU replica_state.rs, produce_handler.rs, dispatcher.rs, as of #4521.

#define SAY printf
#ifndef CUTS
#define CUTS 2
#endif
#ifndef WRITES
#define WRITES 3
#endif

#ifdef NO_LRS
#define HAS_LRS 0
#else
#define HAS_LRS 1
#endif

mtype = {REGISTER, LRS, OUT_OF_STORAGE}
chan up = [3] of {mtype}      // SPU to SC; nothing is answered

// SPU: memory, and the disk.
bit connected
bit disk_full                // the disk; nobody frees anything here
bit short_circuit             // writes are refused: set by the first ENOSPC, cleared by a restart
bit loaded                    // the replica is open
bit lrs                       // waits for the next round of the dispatcher
bit full_report               // likewise; drained before it is sent, raised once
bit follower = 1              // one that will move once
byte writes = WRITES
byte cuts = CUTS

// SC.
mtype = {OFFLINE, ONLINE, LEADER_OFFLINE, OUT_OF_STORAGE_STATE}
mtype resolution = OFFLINE    // the one enum
bit health                    // of the SPU: registered, and the connection there
bit spu_status                // what the partition controller was told last
bit known_full                // the SC was told once, and nobody freed anything since

#ifdef CURED
#define IS_ONLINE (resolution == ONLINE)
#else
#define IS_ONLINE (resolution == ONLINE || resolution == OUT_OF_STORAGE_STATE)
#endif
#ifdef CURED
#define IS_READABLE (resolution == ONLINE || resolution == OUT_OF_STORAGE_STATE)
#else
#define IS_READABLE IS_ONLINE
#endif

inline look() {
#ifdef DEAD_LEADER
  // Quiet: the controller has heard of the loss and has acted.
  if
  :: !health && !spu_status && IS_READABLE ->
     SAY("BROKEN a dead leader is shown as readable\n");
     assert(false)
  :: else
  fi
#else
  if
  :: known_full && resolution == ONLINE ->
     SAY("BROKEN Online, and no space came back\n");
     assert(false)
  :: else
  fi
#endif
}

proctype spu() {
end:
  do
  :: d_step {
       !connected && empty(up) && !health ->
       SAY("SPU: connects and registers\n");
       connected = 1;
       up!REGISTER
     }
  // The leader's replica is opened when the SC has sent it: its status goes out at once.
  :: d_step {
       connected && health && !loaded ->
       SAY("SPU: opens the replica, a replica status waits\n");
       loaded = 1;
       lrs = HAS_LRS
     }
  :: d_step {
       loaded && writes && !short_circuit ->
       writes--;
       if
       :: disk_full ->
          SAY("SPU: a write meets ENOSPC: short circuit, 'out of storage' waits\n");
          short_circuit = 1;
          full_report = 1
       :: else ->
          SAY("SPU: a write succeeds, a replica status waits\n");
          lrs = HAS_LRS
       fi
     }
  // Another replica has caught up, or fallen behind.
  :: d_step {
       loaded && !lrs && follower ->
       SAY("SPU: a follower's offset moves, a replica status waits\n");
       follower = 0;
       lrs = HAS_LRS
     }
  // One round of the dispatcher: drains a set, then sends. Replica statuses come first.
  :: d_step {
       connected && lrs && nfull(up) ->
       lrs = 0;
       SAY("SPU: sends the replica status\n");
       up!LRS
     }
  :: d_step {
       connected && full_report && !lrs && nfull(up) ->
       full_report = 0;
       SAY("SPU: sends 'out of storage'\n");
       up!OUT_OF_STORAGE
     }
  od
}

proctype sc() {
end:
  do
  :: d_step {
       up?REGISTER ->
       SAY("SC: registers the SPU, health on\n");
       health = 1
     }
  // Built for each message anew, always with Online in it.
  :: d_step {
       up?LRS ->
       SAY("SC: a replica status: resolution becomes Online\n");
       resolution = ONLINE;
       look()
     }
  :: d_step {
       up?OUT_OF_STORAGE ->
       SAY("SC: resolution becomes OutOfStorage\n");
       resolution = OUT_OF_STORAGE_STATE;
       known_full = 1;
       look()
     }
  // The partition controller, when the SPU's status has changed.
  :: d_step {
       health && !spu_status ->
       spu_status = 1;
       if
       :: !IS_READABLE ->
          SAY("SC: the SPU is back: resolution becomes Online\n");
          resolution = ONLINE
       :: else -> SAY("SC: the SPU is back: resolution stays\n")
       fi;
       look()
     }
  :: d_step {
       !health && spu_status ->
       spu_status = 0;
       if
       :: IS_ONLINE ->
          SAY("SC: the SPU is gone: resolution becomes LeaderOffline\n");
          resolution = LEADER_OFFLINE
       :: else -> SAY("SC: the SPU is gone: resolution stays\n")
       fi;
       look()
     }
  od
}

proctype world() {
end:
  do
  :: d_step { !disk_full -> SAY("world: the disk runs full\n"); disk_full = 1 }
  :: d_step {
       connected && cuts ->
       SAY("world: the connection drops\n");
       cuts--;
       connected = 0
     }
  // What was sent before the cut is read first.
  :: d_step {
       !connected && health && empty(up) ->
       SAY("SC: end of the stream, health off\n");
       health = 0
     }
  :: d_step {
       connected && cuts ->
       SAY("world: the SPU restarts\n");
       cuts--;
       connected = 0;
       loaded = 0;
       short_circuit = 0;
       lrs = 0;
       full_report = 0
     }
  od
}

init { atomic { run spu(); run sc(); run world() } }
