// The controller's own reserve: a file of really allocated space beside its database, given back
// when the disk is full, so that the SC can still record that something else is.
//
// Lifetime:  the directory descriptor must outlive it.
// Threading: confined to the store's thread.
// Errors:    kResourceExhausted when the space cannot be had; nothing is left behind then.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace tidemark::sc {

class Ballast {
 public:
  // `bytes` 0: no reserve is wanted; held() is then true for ever.
  Ballast(int directory, std::string name, std::int64_t bytes);

  // Verifies what is there (blocks really allocated, last block rewritten, synced and read back)
  // and takes what is missing.
  absl::Status Take();
  // Gives the space back to the filesystem. True if there was any.
  bool Release();
  bool held() const { return held_; }
  std::int64_t bytes() const { return bytes_; }

 private:
  absl::Status TakeInto(int file);

  int directory_;
  std::string name_;
  std::int64_t bytes_;
  bool held_ = false;
};

}  // namespace tidemark::sc
