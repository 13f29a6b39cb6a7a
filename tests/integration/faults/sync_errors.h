// A sync that failed is told once to every descriptor of the file that was open then, as the kernel
// does (errseq_t): two threads may sync one file, and only one of the calls is struck.
//
// Lifetime:  one per process, static: all zero is valid. Descriptors start with it.
// Threading: any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace tidemark::faults {

class SyncErrors {
 public:
  void OnOpen(int fd) {
    if (fd >= 0 && fd < kDescriptors) seen_[fd].store(newest_.load());
  }
  // A sync of `fd` fails now.
  void OnFailed(int fd, std::uint64_t file, int error_number) {
    for (Failed& failed : failed_) {
      std::uint64_t none = 0;
      if (failed.file.load() != file && !failed.file.compare_exchange_strong(none, file)) continue;
      failed.error_number.store(error_number);
      failed.number.store(++newest_);
      OnOpen(fd);
      return;
    }
  }
  // What a sync of `fd` that went well by itself has to say; 0: nothing.
  int Owed(int fd, std::uint64_t file) {
    if (newest_.load() == 0 || fd < 0 || fd >= kDescriptors) return 0;
    for (const Failed& failed : failed_) {
      if (failed.file.load() != file || failed.number.load() <= seen_[fd].load()) continue;
      seen_[fd].store(newest_.load());
      return failed.error_number.load();
    }
    return 0;
  }

 private:
  static constexpr int kDescriptors = 4096;
  static constexpr int kFiles = 64;
  struct Failed {
    std::atomic<std::uint64_t> file;
    std::atomic<std::uint64_t> number;  // grows from failure to failure
    std::atomic<int> error_number;
  };
  std::atomic<std::uint64_t> newest_{0};
  std::atomic<std::uint64_t> seen_[kDescriptors]{};  // by descriptor
  Failed failed_[kFiles]{};
};

}  // namespace tidemark::faults
