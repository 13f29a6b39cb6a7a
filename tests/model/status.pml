// The status protocol as a model: what SPU and SC may do, what the world may do to them, and what
// has to hold all the same. README.md says how it maps onto the C++ and which runs there are.
//
//   world ── eats and returns space, crashes, cuts, loses, repeats, reorders, wipes
//     │
//   volume 0..V-1 ── ws, wo, gate, proof ──► dur[]   the SPU's verdict, durable   (volume.pml)
//   link          ── up ──► sc ── q ──► st[]         the SC's store               (link, sc.pml)
//                 ◄── dn ──     └─────► pub[]        what is shown
//
// A rule is one d_step: it happens whole or not at all, and a crash may come between any two.
// Durable are dur, res, step, wmk, boot at the SPU and st, stdev, stsess, stba at the SC; the rest
// is memory. The mutations are M_* switches, each beside the rule that it breaks.

// ── sizes of a run ──────────────────────────────────────────────────────────────────────────────
#ifndef V
#define V 1            // volumes
#endif
#ifndef FAULTS
#define FAULTS 2       // crashes, cuts, lost and repeated messages, ...: all from one purse
#endif
#ifndef MOVES
#define MOVES 3        // of the neighbour, the producer, the operator: from another
#endif
#ifndef CAP
#define CAP 2          // messages on the way, each direction
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 7     // Hellos of one boot; a base run proves that they suffice
#endif
#ifndef GENERATIONS
#define GENERATIONS 15
#endif
#define BOOTS 7
#define EPISODES 7

// ── the disk, in units ──────────────────────────────────────────────────────────────────────────
#define FULL 1                    // stop below FULL + one step
#define RESUME(marks) (2 + marks) // a proof wants this much; "marks changed" raises it by one
#define FREE_AT_START 2
#define FREE_MAX 4                // a step and the reserve take one unit each

// ── a verdict, as it lies in a slot and travels in a report: 14 bits ────────────────────────────
#define GEN(r)    ((r) & 15)
#define SPACE(r)  (((r) >> 4) & 1)   // the space hold
#define OPER(r)   (((r) >> 5) & 1)   // the operator's; stands for every hold but space and device
#define EPI(r)    (((r) >> 6) & 7)   // the newest episode
#define PROVEN(r) (((r) >> 9) & 1)   // carries a proof of that episode; of an earlier one: of none
#define MARKS(r)  (((r) >> 10) & 1)
#define BY(r)     (((r) >> 11) & 1)  // the marks that the proof satisfies
#define ROOM(r)   (((r) >> 12) & 1)  // for P1 only, nobody reads it: room was held when it was written
#define SHOWN(r)  ((r) & 4095)       // what SPU and SC see of it
#define RECORD(gen, space, oper, epi, proven, marks, by, room) \
  ((gen) | ((space) << 4) | ((oper) << 5) | ((epi) << 6) | ((proven) << 9) | ((marks) << 10) | \
   ((by) << 11) | ((room) << 12))
#define HELD(r)   ((r) & 48)
#define AT_FORMAT RECORD(1, 0, 0, 0, 0, 0, 0, 1)

// ── messages ────────────────────────────────────────────────────────────────────────────────────
mtype = {HELLO, REPORT, BEAT, WELCOME, HELLO_NACK, ACK, PROOF_NACK, OTHER_NACK, STALE_NACK}
// x of HELLO, WELCOME, HELLO_NACK: boot and attempt; of a report and its answers: volume, device.
#define WHO(boot, attempt) ((boot) * 8 + (attempt))
#define ABOUT(v, device) ((v) * 2 + (device))
chan up = [CAP] of {mtype, byte /* session */, byte /* x */, short /* verdict */}
chan dn = [CAP] of {mtype, byte, byte, short, short}
// Where both volumes are meant, V - 1 is the other one, or with one volume the same again.

// ── the SPU ─────────────────────────────────────────────────────────────────────────────────────
byte free[V] = FREE_AT_START  // really available
bit res[V] = 1                // the reserve is really there, and synced
bit step[V] = 1               // a step for the next write, likewise
short dur[V] = AT_FORMAT      // the slots
bit wmk[V]                    // marks of the configuration
bit ws[V]                     // wanted: space hold
bit wo[V]                     //         operator hold
bit gate[V] = 1               // writes are admitted
bit adm[V]                    // one is on its way to the disk ...
bit own[V]                    // ... and the step that it was admitted into is its own
bit dev[V]                    // device fault, of this boot
mtype = {IDLE, READINGS_OK, ROOM_TAKEN, PROVED}
mtype proof[V] = IDLE
short told[V]                 // "known elsewhere": above ours in Welcome, or ours and refused. 0: no
bit sent[V]
bit acked[V]
mtype = {AWAY, GREETING, ATTACHED}
mtype link = AWAY
byte boot = 1
byte attempt
byte ssess                    // the session we are in
#if defined(M_MEASURE_ONLY) || defined(M_TRUST_AT_BOOT)
bit trust[V]                  // believes in room that nobody took
#define TRUST(v, value) trust[v] = value
#define STEP_HELD(v) (step[v] || trust[v])
#define RESERVE_HELD(v) (res[v] || trust[v])
#else
#define TRUST(v, value) skip
#define STEP_HELD(v) step[v]
#define RESERVE_HELD(v) res[v]
#endif
#ifdef M_PERSIST_BEFORE_ROOM
bit owing[V]                  // lifted already, room still to be taken
#define OWING(v) owing[v]
#else
#define OWING(v) 0
#endif

// ── the SC ──────────────────────────────────────────────────────────────────────────────────────
short st[V] = AT_FORMAT       // the store
bit stdev[V]
byte stsess                   // newest session ever
byte stba                     // newest Hello ever
short pub[V] = AT_FORMAT      // memory, and shown
bit pubdev[V]
byte csess                    // live session; 0: none
byte cba                      // newest Hello heard
bit greet                     // its session is on the way to the store
bit out                       // the lease ran out
bit synced[V]                 // a report of this volume, in this session, is durable
mtype = {NOTHING, WRITING, WRITTEN}
mtype qstate = NOTHING        // the report on the way to the store
byte qv
byte qsess
short q
bit qdev

#define UP(v) (csess && !out && synced[v])
#define ONLINE(v) (UP(v) && !HELD(pub[v]) && !pubdev[v])

// ── the world ───────────────────────────────────────────────────────────────────────────────────
byte faults = FAULTS
byte moves = MOVES
bit calm                      // the faults have stopped (L1 only)
#define QUIET (empty(up) && empty(dn) && qstate == NOTHING && !greet)

// ── what only the promises look at ──────────────────────────────────────────────────────────────
// P7: since the lift a write was admitted, a reading was below full, or somebody changed the marks.
bit cause[V] = 1
byte saidin[V]                // P1: session of the newest report ...
byte saidlo[V]                //     ... and the first generation said in it
#ifdef WIPE
byte high[V] = 1              // P2: newest generation that was ever durable
bit wiped                     // a slot was lost or rolled back
#define EVER(v) high[v]
#else
#define EVER(v) GEN(dur[v])
#endif
// Scratch: no rule looks at what another one left here, so it is no part of the state. (The search
// for a shortest trace cannot hide variables.)
#ifdef SHORTEST
#define SCRATCH
#else
#define SCRATCH hidden
#endif
SCRATCH short n
SCRATCH short r
SCRATCH short r1
SCRATCH byte i
SCRATCH byte s
SCRATCH byte x
SCRATCH mtype verdict

// Tells a replayed trace in words; costs nothing while searching.
#define SAY printf
// ONLY=n: of the promises, n alone. A mutation is judged by the one that it is said to break.
#ifdef ONLY
#define PROMISE(number, what) \
  if :: (number == ONLY && !(what)) -> SAY("BROKEN P%d\n", number); assert(false) :: else fi
#else
#define PROMISE(number, what) \
  if :: !(what) -> SAY("BROKEN P%d\n", number); assert(false) :: else fi
#endif
// The sizes of a base run are never the reason for what it finds. A mutant that runs into one goes
// round for ever, and L1 says so.
#ifdef MUTANT
#define NOT_REACHED skip
#else
#define NOT_REACHED SAY("TOO SMALL\n"); assert(false)
#endif

#define SAME_MIND(v) \
  (SHOWN(pub[v]) == SHOWN(dur[v]) && pubdev[v] == dev[v] && synced[v] && ws[v] == SPACE(dur[v]) && \
   wo[v] == OPER(dur[v]) && wmk[v] == MARKS(dur[v]) && !told[v])
#define AGREE (link == ATTACHED && csess == ssess && !out && SAME_MIND(0) && SAME_MIND(V - 1))

// What must be possible, or the promises are kept by doing nothing. 1: Online after the second
// episode. 2: one volume Online beside one that is out of space. 3: Online after a wipe.
#if defined(WITNESS) && WITNESS == 1
#define SEEN (ONLINE(0) && EPI(pub[0]) == 2)
#elif WITNESS == 2
#define SEEN (ONLINE(0) && UP(1) && SPACE(pub[1]))
#elif WITNESS == 3
#define SEEN (ONLINE(0) && wiped)
#endif
#ifdef SEEN
#define WITNESS_LOOKS if :: SEEN -> SAY("SEEN\n"); assert(false) :: else fi
#else
#define WITNESS_LOOKS skip
#endif

#include "volume.pml"
#include "link.pml"
#include "sc.pml"
#include "world.pml"

init {
  atomic {
    run spu_link();
    run sc();
    run world();
#ifdef FAIR
    run clock();
#endif
    i = 0;
    do
    :: i < V -> run volume(i); run reporter(i); run world_of(i); i++
    :: else -> break
    od
  }
}

#ifdef LIVE
// Whatever happened: once the faults have stopped, they come to agree, and stay so.
ltl L1 { (<> calm) -> (<> [] AGREE) }
#endif
