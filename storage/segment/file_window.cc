#include "storage/segment/file_window.h"

#include <algorithm>

#include "base/status_macros.h"

namespace tidemark::storage {

absl::StatusOr<std::span<const std::byte>> FileWindow::At(base::FilePosition position,
                                                          std::size_t wanted) {
  if (position >= end_) return std::span<const std::byte>();
  const auto left = static_cast<std::size_t>(end_ - position);
  wanted = std::min(wanted, left);
  const base::FilePosition buffered_end = begin_ + std::ssize(buffer_);
  const bool buffered = position >= begin_ && position <= buffered_end;
  const auto view = [&] {
    return std::span<const std::byte>(buffer_).subspan(static_cast<std::size_t>(position - begin_));
  };
  if (buffered && static_cast<std::size_t>(buffered_end - position) >= wanted) return view();

  // What is there already moves to the front; the rest is read behind it.
  std::size_t kept = 0;
  if (buffered) {
    kept = static_cast<std::size_t>(buffered_end - position);
    std::copy(buffer_.end() - static_cast<std::ptrdiff_t>(kept), buffer_.end(), buffer_.begin());
  }
  begin_ = position;
  buffer_.resize(std::min(std::max(wanted, chunk_bytes_), left));
  TM_ASSIGN_OR_RETURN(
      const std::size_t got,
      file_.ReadAt(position + static_cast<std::int64_t>(kept), std::span(buffer_).subspan(kept)));
  buffer_.resize(kept + got);  // shorter if the file was cut under us
  return view();
}

}  // namespace tidemark::storage
