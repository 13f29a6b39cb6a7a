// The live streams of one service, so that a drain can end them.
//
// Threading: confined to the loop.
#pragma once

#include <cstddef>
#include <set>

namespace tidemark::spu {

class DrainableStream {
 public:
  // Take nothing new, answer what is outstanding, then end with UNAVAILABLE.
  virtual void Drain() = 0;

 protected:
  ~DrainableStream() = default;
};

class StreamRegistry {
 public:
  void Add(DrainableStream* stream) { streams_.insert(stream); }
  void Remove(DrainableStream* stream) { streams_.erase(stream); }
  std::size_t size() const { return streams_.size(); }
  bool draining() const { return draining_; }

  void DrainAll() {
    draining_ = true;
    const auto streams = streams_;
    for (DrainableStream* stream : streams) stream->Drain();
  }

 private:
  std::set<DrainableStream*> streams_;
  bool draining_ = false;
};

}  // namespace tidemark::spu
