// Owns one libuv handle together with the state its callbacks need.
//
// libuv may touch a handle until its close callback has run, so handle and state live in one heap
// block that only the close callback frees. A callback may therefore destroy its own UvHandle.
//
//   UvHandle<uv_timer_t, State> timer(State{...});
//   uv_timer_init(loop.uv(), timer.get());
//   timer.MarkOpen();                             // from here on the destructor closes it
//   static_cast: UvHandle<…>::StateOf(handle)     // inside a callback
//
// Threading: confined to the loop.
#pragma once

#include <uv.h>

#include <utility>

namespace tidemark::daemon {

template <typename UvType, typename State>
class UvHandle {
 public:
  explicit UvHandle(State state) : block_(new Block{UvType{}, std::move(state), false}) {
    block_->handle.data = block_;
  }
  ~UvHandle() { Close(); }
  UvHandle(const UvHandle&) = delete;
  UvHandle& operator=(const UvHandle&) = delete;

  // After the handle's uv_*_init() succeeded.
  void MarkOpen() { block_->open = true; }

  // Callbacks stop at once; the memory goes in a later turn of the loop.
  void Close() {
    Block* block = std::exchange(block_, nullptr);
    if (block == nullptr) return;
    if (!block->open) {
      delete block;
      return;
    }
    uv_close(reinterpret_cast<uv_handle_t*>(&block->handle),
             [](uv_handle_t* handle) { delete static_cast<Block*>(handle->data); });
  }

  UvType* get() const { return &block_->handle; }
  State& state() const { return block_->state; }
  static State& StateOf(UvType* handle) { return static_cast<Block*>(handle->data)->state; }

 private:
  struct Block {
    UvType handle;
    State state;
    bool open;
  };

  Block* block_;
};

}  // namespace tidemark::daemon
