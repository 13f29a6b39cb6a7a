// Integers that must not be mixed: an offset is not a file position, a generation is not an
// episode.
//
//   using Offset = StrongInt<struct OffsetTag, std::int64_t>;
//   Offset next = last + 1;          // arithmetic with plain integers keeps the type
//   std::int64_t records = b - a;    // a difference is a plain integer
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace tidemark::base {

template <typename Tag, typename Rep>
class StrongInt {
 public:
  using rep = Rep;

  constexpr StrongInt() = default;
  constexpr explicit StrongInt(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }

  constexpr auto operator<=>(const StrongInt&) const = default;

  constexpr StrongInt& operator++() {
    ++value_;
    return *this;
  }
  constexpr StrongInt& operator+=(Rep delta) {
    value_ = static_cast<Rep>(value_ + delta);
    return *this;
  }
  friend constexpr StrongInt operator+(StrongInt a, Rep b) {
    return StrongInt(static_cast<Rep>(a.value_ + b));
  }
  friend constexpr StrongInt operator-(StrongInt a, Rep b) {
    return StrongInt(static_cast<Rep>(a.value_ - b));
  }
  friend constexpr Rep operator-(StrongInt a, StrongInt b) {
    return static_cast<Rep>(a.value_ - b.value_);
  }

 private:
  Rep value_ = 0;
};

}  // namespace tidemark::base

template <typename Tag, typename Rep>
struct std::hash<tidemark::base::StrongInt<Tag, Rep>> {
  std::size_t operator()(tidemark::base::StrongInt<Tag, Rep> v) const {
    return std::hash<Rep>()(v.value());
  }
};
