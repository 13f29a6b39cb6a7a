// An open descriptor and the path it was opened by.
//
// Lifetime:  closes the descriptor when destroyed.
// Threading: as File.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "storage/fs/file_system.h"

namespace tidemark::storage {

// Owns a descriptor; -1 owns nothing.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC, EINTR retried.
absl::StatusOr<Descriptor> OpenDescriptor(const std::string& path, int flags);
// Status of `errno` for "<call> '<path>'".
absl::Status PathError(int error_number, std::string_view call, std::string_view path);
FileStat ToFileStat(const struct stat& st);

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path, bool direct);

  absl::StatusOr<std::size_t> ReadAt(base::FilePosition position,
                                     std::span<std::byte> out) const override;
  absl::Status WriteAt(base::FilePosition position, std::span<const iovec> slices,
                       std::size_t* written) override;
  absl::Status SyncData() override;
  absl::Status SyncAll() override;
  absl::Status Allocate(base::FilePosition position, std::int64_t length) override;
  absl::Status Truncate(std::int64_t size) override;
  absl::StatusOr<FileStat> Stat() const override;
  absl::Status SetNoCow() override;
  void ForgetCached() override;
  const std::string& path() const override { return path_; }
  int descriptor() const override { return descriptor_.get(); }

 private:
  Descriptor descriptor_;
  std::string path_;
  bool direct_;
};

}  // namespace tidemark::storage
