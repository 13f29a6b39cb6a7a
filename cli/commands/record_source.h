// Where produced records come from: lines of a stream, or a generator.
//
// Lifetime:  refers to its input, which outlives it.
// Threading: confined.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

namespace tidemark::cli {

struct SourceRecord {
  std::optional<std::string> key;
  std::string value;
};

class RecordSource {
 public:
  virtual ~RecordSource() = default;
  // nullopt at the end.
  virtual std::optional<SourceRecord> Next() = 0;
};

// One record per line; what stands before the first `key_separator` is the key. Without a
// separator given, or in the line, a record has no key.
class LineSource final : public RecordSource {
 public:
  LineSource(std::istream& in, std::string key_separator)
      : in_(in), key_separator_(std::move(key_separator)) {}
  std::optional<SourceRecord> Next() override;

 private:
  std::istream& in_;
  std::string key_separator_;
};

// `count` records of `size_bytes`, each beginning with its number.
class GeneratedSource final : public RecordSource {
 public:
  GeneratedSource(std::int64_t count, std::int64_t size_bytes)
      : count_(count), size_bytes_(size_bytes) {}
  std::optional<SourceRecord> Next() override;

 private:
  std::int64_t count_;
  std::int64_t size_bytes_;
  std::int64_t next_ = 0;
};

}  // namespace tidemark::cli
