// What the preloaded shim and the driver share: one file, mapped by both, that outlives every
// daemon that writes into it.
//
// The driver writes the plans before it starts a daemon; the shim numbers each call that changes
// something below the scope, does to it what a plan says, and notes it with the bytes it wrote. One
// counter for all threads and for all processes that map the file.
//
// Lifetime:  all zero is a valid, empty log without a plan.
// Threading: any thread of any process; a call counts once its `done` is set.
#pragma once

#include <atomic>
#include <cstdint>

namespace tidemark::faults {

// Both are read from the environment by the shim.
inline constexpr char kLogVariable[] = "FAULT_SHIM_LOG";      // path of the file
inline constexpr char kScopeVariable[] = "FAULT_SHIM_SCOPE";  // directories, with ':' between

enum class Call : std::uint32_t {
  kNone,
  kCreate,
  kWrite,
  kAllocate,
  kTruncate,
  kUnlink,
  kRename,
  kMakeDirectory,
  kRemoveDirectory,
  kSync,  // fsync, fdatasync, syncfs
};

// Which calls a plan may strike, as a set of bits.
constexpr std::uint32_t BitOf(Call call) { return 1U << static_cast<std::uint32_t>(call); }
inline constexpr std::uint32_t kEveryCall = ~0U;

enum class Deed : std::uint32_t {
  kNothing,
  kKillBefore,  // after `stall_ms`, SIGKILL instead of the call
  kKillAfter,   // the call is made, half of it if it is a write, and nobody hears of it
  kFail,        // `error_number`, and nothing is done
  kShortWrite,  // half of the bytes, and their number
  kStall,       // the call is made after `stall_ms`, or once `let_go` is set
};

inline constexpr std::uint32_t kPathBytes = 160;

struct Plan {
  Deed deed;
  std::uint32_t calls;        // bits; the first such call with a number ≥ `from` is struck
  std::uint32_t sticky;       // and all such calls after it, too
  std::int32_t error_number;  // of kFail
  std::uint64_t from;         // 0: no plan
  std::uint64_t stall_ms;
  // Not kNone: the first call that is struck must be this one, the nth of a file whose path ends
  // so.
  Call only_call;
  std::uint32_t only_nth;
  char only_path[kPathBytes];
  std::atomic<std::uint32_t> only_seen;
  std::atomic<std::uint64_t> fired;     // how many calls were struck
  std::atomic<std::uint64_t> fired_at;  // number of the first of them
  std::atomic<Call> fired_on;           // what it was
  char fired_path[kPathBytes];          // and of which file; whole once `fired_on` is set
};

// Says which file, whatever its name: inodes are small, and counted by each file system anew.
constexpr std::uint64_t FileKey(std::uint64_t device, std::uint64_t inode) {
  constexpr unsigned kInodeBits = 40;
  return device << kInodeBits ^ inode;
}

struct CallNote {
  std::atomic<std::uint32_t> done;
  Call call;
  Deed deed;
  std::int32_t error_number;   // 0: it succeeded
  std::uint64_t number;        // of the call; notes are in the order in which calls ended
  std::uint64_t file;          // its FileKey(); 0 where the call was refused
  std::int64_t position;       // of a write
  std::int64_t bytes;          // written, allocated, or the new size
  std::uint64_t notes_before;  // how many notes there were when the call began
  std::uint64_t data_at;       // in `data`; a write's bytes
  char path[kPathBytes];       // cut at its front if it is longer
};

inline constexpr std::uint64_t kNotesMax = 16384;
inline constexpr std::uint64_t kNoteBytesMax = 16ULL * 1024 * 1024;
inline constexpr std::uint32_t kPlans = 2;

struct FaultLog {
  Plan plans[kPlans];
  std::atomic<std::uint32_t> let_go;
  std::atomic<std::uint64_t> calls;  // the counter: number of the newest call
  std::atomic<std::uint64_t> notes_taken;
  std::atomic<std::uint64_t> data_taken;
  CallNote notes[kNotesMax];
  unsigned char data[kNoteBytesMax];
};

}  // namespace tidemark::faults
