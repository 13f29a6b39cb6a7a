// The only door to the disk. Everything above names files relative to a directory it was given, so
// that a fault decorator or a simulated disk can stand here instead.
//
// Lifetime:  a File closes its descriptor when destroyed; a FileSystem outlives its Files.
// Threading: a FileSystem may be used from any thread; a File from one thread at a time, except
//            ReadAt, which any thread may call beside one writer.
// Errors:    absl::Status made by base::ErrnoStatus, with the path in the message; base::ErrnoOf()
//            gives the errno back. EINTR is retried inside. A short write is continued until an
//            error: WriteAt then says how much was written before it.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/ids.h"

namespace tidemark::storage {

// What statvfs(3) and fstatfs(2) say of the filesystem that holds a path, unjudged.
struct FileSystemStat {
  std::uint64_t fragment_bytes = 0;    // f_frsize, the unit of the three counts below
  std::uint64_t blocks_total = 0;      // f_blocks
  std::uint64_t blocks_free = 0;       // f_bfree, counts root's reserve
  std::uint64_t blocks_available = 0;  // f_bavail, what an unprivileged process may use
  std::uint64_t inodes_total = 0;      // f_files; 0 where the filesystem does not count (btrfs)
  std::uint64_t inodes_available = 0;  // f_favail
  bool read_only = false;
  std::uint64_t device_id = 0;       // st_dev of the path
  std::uint64_t file_system_id = 0;  // f_fsid
  std::uint64_t type_magic = 0;      // f_type (EXT4_SUPER_MAGIC, …)
};

struct FileStat {
  std::int64_t size = 0;
  std::int64_t allocated_bytes = 0;  // st_blocks × 512: what an unlink gives back
  std::uint64_t inode = 0;
  std::uint32_t links = 0;
};

class File {
 public:
  virtual ~File() = default;

  // Reads up to out.size() bytes; fewer only at the end of the file.
  virtual absl::StatusOr<std::size_t> ReadAt(base::FilePosition position,
                                             std::span<std::byte> out) const = 0;
  // Writes all slices one after the other. On error `*written` (if given) is what did reach the
  // file before it.
  virtual absl::Status WriteAt(base::FilePosition position, std::span<const iovec> slices,
                               std::size_t* written = nullptr) = 0;
  // fdatasync. A failure is final for this file: never retried, never followed by an ack.
  virtual absl::Status SyncData() = 0;
  // fsync, for a file whose allocation or size must survive a power cut.
  virtual absl::Status SyncAll() = 0;
  // posix_fallocate semantics without its write fallback: really allocates [position, +length) and
  // grows the size. On error the file may hold partial extents (ext4): truncate or unlink it.
  virtual absl::Status Allocate(base::FilePosition position, std::int64_t length) = 0;
  virtual absl::Status Truncate(std::int64_t size) = 0;
  virtual absl::StatusOr<FileStat> Stat() const = 0;
  // FS_NOCOW_FL, only possible on an empty file. kUnimplemented where the filesystem has no such
  // flag.
  virtual absl::Status SetNoCow() = 0;
  // Drops what memory holds of the file, but for what waits to be written: the next read tells what
  // is on the disk. After a failed sync the page cache shows, as if they were there, bytes that are
  // on no disk.
  virtual void ForgetCached() = 0;
  virtual const std::string& path() const = 0;

  // The descriptor, for a commit job that makes the system calls itself. -1 on a simulated disk.
  virtual int descriptor() const = 0;
};

enum class OpenMode : std::uint8_t {
  kRead,        // must exist
  kReadWrite,   // must exist
  kCreate,      // read-write, must not exist, mode 0600
  kReadDirect,  // must exist, O_DIRECT where the filesystem has it
};

// Held advisory lock (flock) on a file; released when destroyed.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // O_NOFOLLOW | O_CLOEXEC always.
  virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  virtual absl::Status CreateDirectory(const std::string& path) = 0;  // mode 0700
  virtual absl::Status RemoveFile(const std::string& path) = 0;
  virtual absl::Status RemoveDirectory(const std::string& path) = 0;  // must be empty
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // fsync of the directory: makes created, renamed and removed entries durable.
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
  // syncfs of the filesystem that holds `path` (btrfs: before a reading).
  virtual absl::Status SyncFileSystem(const std::string& path) = 0;
  // Names in the directory, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  virtual absl::StatusOr<FileStat> Stat(const std::string& path) = 0;  // kNotFound if absent
  virtual absl::StatusOr<FileSystemStat> StatFileSystem(const std::string& path) = 0;
  // Opens an existing file (creating one could meet a full disk): kNotFound if absent,
  // kUnavailable with the path and, if it can be had, the process that holds it. Never waits.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// "a/b" of "a" and "b".
std::string JoinPath(std::string_view directory, std::string_view name);

}  // namespace tidemark::storage
