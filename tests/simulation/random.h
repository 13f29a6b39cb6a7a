// A small random number generator whose sequence is the same on every compiler and machine: a seed
// that failed anywhere fails here.
//
// Source: SplitMix64 (Steele, Lea, Flood 2014).
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace tidemark::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // In [0, bound).
  std::uint64_t Below(std::uint64_t bound) { return Next() % bound; }
  std::int64_t Bytes(std::int64_t bound) {
    return static_cast<std::int64_t>(Below(static_cast<std::uint64_t>(bound)));
  }
  bool Chance(std::uint64_t per_mille) { return Below(1000) < per_mille; }
  base::Duration Within(base::Duration longest) {
    return base::Duration(
        static_cast<std::int64_t>(Below(static_cast<std::uint64_t>(longest.count()) + 1)));
  }

 private:
  std::uint64_t state_;
};

}  // namespace tidemark::simulation
