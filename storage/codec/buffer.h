// Immutable bytes that many may hold: the batch as it came in is what the commit writes and what a
// consumer gets, without a copy.
//
// The owner is type-erased, so that memory of another library (a gRPC slice, a mapped page) can
// stand behind it as well as a vector.
//
// Lifetime:  the bytes live as long as the last Buffer that refers to them.
// Threading: value type; the bytes never change, so any thread may read them.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"

namespace tidemark::storage {

class Buffer {
 public:
  Buffer() = default;
  // `bytes` belong to whatever `owner` keeps alive.
  Buffer(std::shared_ptr<const void> owner, std::span<const std::byte> bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}

  static Buffer Take(std::vector<std::byte> bytes) {
    auto owned = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    const std::span<const std::byte> view(*owned);
    return Buffer(std::move(owned), view);
  }
  static Buffer Take(std::string bytes) {
    auto owned = std::make_shared<const std::string>(std::move(bytes));
    const auto view = std::as_bytes(std::span<const char>(*owned));
    return Buffer(std::move(owned), view);
  }
  static Buffer Copy(std::span<const std::byte> bytes) {
    return Take(std::vector<std::byte>(bytes.begin(), bytes.end()));
  }

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::byte* data() const { return bytes_.data(); }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  // A part of it, with the same owner.
  Buffer Slice(std::size_t position, std::size_t length) const {
    TM_CHECK(position <= size() && length <= size() - position);
    return Buffer(owner_, bytes_.subspan(position, length));
  }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
};

}  // namespace tidemark::storage
